// Keeps the number of unread items in the inbox current. Hidden pages have no stream: a browser opens
// only a few connections to a server.
"use strict";

(() => {
  const badge = document.getElementById("unread");
  const count = document.getElementById("unread-count");
  const news = document.getElementById("news");
  let source = null;
  let last = Number(count.textContent);

  const show = (unread) => {
    if (news && unread > last) news.hidden = false;
    if (unread !== last) count.textContent = String(unread);
    badge.hidden = unread === 0;
    last = unread;
  };
  const close = () => {
    source?.close();
    source = null;
  };
  const update = () => {
    if (document.visibilityState === "hidden") return close();
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource("/inbox/stream");
    source.addEventListener("unread", (event) => show(Number(event.data)));
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) setTimeout(update, 30_000); // by an error of the server
    });
  };

  document.addEventListener("visibilitychange", update);
  addEventListener("pagehide", close);
  addEventListener("pageshow", update);
  update();
})();
