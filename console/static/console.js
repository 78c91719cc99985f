// What plain forms cannot do: refresh the overview, ask before dangerous acts, send a form once.
"use strict";

function live(line) {
  const words = line.querySelector("[data-live-text]");
  const place = document.getElementById(line.dataset.into);
  const say = (text, state) => { words.textContent = text; line.dataset.state = state; };
  const clock = () => new Date().toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
  const source = new EventSource(line.dataset.live);
  source.addEventListener("overview", (event) => {
    const held = document.activeElement && place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    place.innerHTML = event.data;
    if (held) { const again = [...place.querySelectorAll("a")].find((a) => a.getAttribute("href") === held); if (again) again.focus(); }
    say(`实时，${clock()} 更新`, "on");
  });
  source.addEventListener("same", () => say(`实时，${clock()} 核对`, "on"));
  source.addEventListener("broken", (event) => say(event.data, "off"));
  source.addEventListener("ended", (event) => { source.close(); say(`${event.data}，请重新登录`, "off"); location.reload(); });
  source.onerror = () => say("连接中断，正在重连；所示可能已过时", "off");
}

for (const line of document.querySelectorAll("[data-live]")) live(line);

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asker = event.submitter && event.submitter.dataset.ask ? event.submitter : form;
  if (asker.dataset.ask && !window.confirm(asker.dataset.ask)) { event.preventDefault(); return; }
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post") { form.dataset.sent = "yes"; form.setAttribute("aria-busy", "true"); }
});
// Coming back by the browser's button, a form may be sent again.
window.addEventListener("pageshow", () => { for (const form of document.forms) { delete form.dataset.sent; form.removeAttribute("aria-busy"); } });

for (const box of document.querySelectorAll("[data-all]")) {
  box.addEventListener("change", () => {
    for (const each of document.querySelectorAll(`input[name="${box.dataset.all}"]`)) each.checked = box.checked;
  });
}
for (const control of document.querySelectorAll("select[data-go]")) control.addEventListener("change", () => control.form.requestSubmit());
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
