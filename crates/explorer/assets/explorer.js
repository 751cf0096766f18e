// Keeps the list of answers fresh while it is looked at. Pages are complete without it.
(() => {
  const feed = document.querySelector("[data-feed]");
  if (!feed) return;
  let last = "";
  const refresh = async () => {
    if (document.hidden || feed.contains(document.activeElement)) return;
    try {
      const reply = await fetch(feed.dataset.feed);
      if (!reply.ok) return;
      const text = await reply.text();
      if (last && text !== last) feed.innerHTML = text;
      last = text;
    } catch {
      // The network is away; the next round tries again.
    }
  };
  setInterval(refresh, 3000);
})();
