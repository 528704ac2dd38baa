"""Time from a key to the picture that it asks for, as the page itself sees it."""

from __future__ import annotations

from typing import Any

WATCH = """() => {
  window.keyTimes = [];
  const traces = document.getElementById("traces");
  const isShown = () =>
    !traces.matches(".is-loading") && document.querySelector('.class[aria-disabled="false"]');
  addEventListener("keydown", ({ timeStamp }) => {
    const look = () => {
      if (!isShown()) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => keyTimes.push(performance.now() - timeStamp);
      port2.postMessage(null);  // delivered after this frame is painted
    };
    requestAnimationFrame(look);
  });
}"""
LAST = "(n) => keyTimes.length > n && keyTimes"


def watch_key_times(page: Any) -> None:
    """Let the page note the time from each key to the frame with the signals it asks for."""
    page.evaluate(WATCH)


def time_key(page: Any, key: str) -> float:
    """Press a key, wait for its picture, and return the time between them in ms.

    The time begins with the event of the key, and ends after the frame in which the signals are
    drawn and, if a question is asked, can be answered.
    """
    n_before = page.evaluate("keyTimes.length")
    page.keyboard.press(key)
    return float(page.wait_for_function(LAST, arg=n_before).json_value()[-1])
