// The contents list says where the reader is.

/**
 * Mark the link of the section that is read, and of the figure, while the page is moved.
 * @param {HTMLElement} list
 */
export function markCurrent(list) {
  const links = [...list.querySelectorAll("a")];
  const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const mark = () => {
    const line = innerHeight / 3;
    const passed = targets.map((target) => target !== null && target.getBoundingClientRect().top <= line);
    const last = passed.lastIndexOf(true);
    const around = links[last]?.closest("details")?.parentElement?.querySelector("a");
    for (const link of links) {
      if (link === links[last] || link === around) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  mark();
}
