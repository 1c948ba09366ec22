// Filters of the matrix, and links into what is folded away. Without this the page is whole, and nothing is filtered.
const filters = document.getElementById("filters");
const [find, area, outcome, shown] = ["find", "area", "outcome", "shown"].map((id) => document.getElementById(id));

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const body of document.querySelectorAll(".matrix tbody")) {
    let any = false;
    for (const row of body.querySelectorAll("tr[data-outcomes]")) {
      const text = row.querySelector("th").textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word))
        && (!area.value || body.dataset.area === area.value)
        && (!outcome.value || row.dataset.outcomes.split(" ").includes(outcome.value));
      row.hidden = !fits;
      any ||= fits;
      count += fits;
    }
    body.hidden = !any;
  }
  shown.textContent = count === 1 ? "1 rule" : `${count} rules`;
}

// What is looked at first is the end, where the failure is.
function showEnds(place) {
  for (const one of place.querySelectorAll(".timeline:has(.bad)")) one.scrollLeft = one.scrollWidth;
}

function open() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (place?.tagName !== "DETAILS") return;
  for (let one = place; one; one = one.parentElement.closest("details")) one.open = true;
  place.scrollIntoView();
}

filters.hidden = false;
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("toggle", (event) => showEnds(event.target.parentElement), true);
addEventListener("hashchange", open);
filter();
showEnds(document);
open();
