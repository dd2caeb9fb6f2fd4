// On the page of a participant, where it is shown in the pane of the overview: letters are passed
// on, arrows scroll.
if (parent !== window) {
  document.body.classList.add("in-pane");
  document.addEventListener("keydown", event => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key.length === 1) parent.postMessage({ pressed: event.key }, "*");
  });
}
