// MyPage follows the changes of reservations by Server-Sent Events: the data of each is an entry as
// HTML, which the server has escaped.
"use strict";

const retryDelay = 5000; // of a connection that the browser does not retry by itself
const entries = document.getElementById("entries");
const live = document.getElementById("live");

// show puts an entry in the place of the one with its id, or first. It reports whether that changes
// the page. The element stays, and with it that it is the target of the link to this page.
function show(entry) {
  const old = document.getElementById(entry.id);
  if (!old) {
    entries.prepend(entry);
    document.getElementById("empty").hidden = true;
    return true;
  }
  if (old.innerHTML === entry.innerHTML) return false;
  const focused = old.contains(document.activeElement);
  old.replaceChildren(...entry.childNodes);
  if (focused) (old.querySelector("button") ?? old).focus();
  return true;
}

function follow() {
  const source = new EventSource("/mypage/events");
  source.onopen = () => { live.textContent = "This page updates itself."; };
  source.onmessage = ({ data }) => {
    const template = document.createElement("template");
    template.innerHTML = data;
    const entry = template.content.firstElementChild;
    const text = `${entry.querySelector("h2").textContent}: ${entry.querySelector(".state").textContent}`;
    if (show(entry)) live.textContent = text;
  };
  source.onerror = () => {
    live.textContent = "The connection is lost; trying again.";
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, retryDelay);
  };
}

follow();
