#include "hipt/tiling/report_page.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "hipt/base/sha256.h"
#include "hipt/base/version.h"

namespace hipt::tiling {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1c2733; --quiet: #55626f; --paper: #fff; --band: #f4f6f8; --line: #d6dce2;
  --link: #0b5cad; --fine: #1a7f4b; --look: #8a5a00; --failed: #b3261e; --waiting: #55626f; --box: #e9edf1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --quiet: #a3afbb; --paper: #14191f; --band: #1c232b;
  --line: #35404b; --link: #7ab8ff; --fine: #66d19e; --look: #f2c063; --failed: #ff9b93; --waiting: #a3afbb;
  --box: #232b34; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 82rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
#where { margin: 0.1rem 0 1.2rem; color: var(--quiet); overflow-wrap: anywhere; }
a { color: var(--link); }
dl { margin: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; }
.facts div { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.6rem 0.8rem; }
.facts dt { color: var(--quiet); font-size: 0.85rem; }
.facts dd { margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--quiet); }
.parameters { columns: 15rem; margin-top: 0.5rem; }
.parameters div { display: flex; justify-content: space-between; gap: 1rem; break-inside: avoid;
  border-bottom: 1px solid var(--line); padding: 0.1rem 0; }
.parameters dt { color: var(--quiet); overflow-wrap: anywhere; }
.parameters dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; text-align: right; }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 1rem 0 0.75rem; }
.tools input, .tools button, .head button { font: inherit; color: inherit; }
.tools input { flex: 1 1 16rem; max-width: 26rem; }
.tools input, .tools button { background: var(--paper); border: 1px solid var(--line); border-radius: 0.4rem;
  padding: 0.35rem 0.7rem; }
.tools button { cursor: pointer; }
.tools button[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
#shown { color: var(--quiet); margin-left: auto; }
.row { display: grid; grid-template-columns: 10.5rem 10.5rem minmax(12rem, 1fr) 5.5rem 5.5rem 8.5rem; gap: 0 1rem;
  align-items: center; border-bottom: 1px solid var(--line); padding: 0.4rem 0.75rem; }
.head { position: sticky; top: 0; z-index: 1; background: var(--band); border-top: 1px solid var(--line);
  color: var(--quiet); font-size: 0.875rem; font-weight: 600; }
.head button { background: none; border: 0; padding: 0; cursor: pointer; font-weight: 600; }
.head button::after { content: " \2195"; opacity: 0.5; }
[aria-sort=ascending] button::after { content: " \2191"; opacity: 1; }
[aria-sort=descending] button::after { content: " \2193"; opacity: 1; }
#slides .row { content-visibility: auto; contain-intrinsic-size: auto 8.5rem; min-height: 8.5rem; }
#slides .row[hidden] { display: none; }
.picture { width: 10rem; height: 7.5rem; display: block; background: var(--box); border-radius: 0.3rem; }
.picture img { display: block; width: 10rem; height: 7.5rem; object-fit: contain; border-radius: 0.3rem; }
span.picture { display: grid; place-items: center; color: var(--quiet); font-size: 0.85rem; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.verdict { font-size: 0.85rem; font-weight: 600; }
.notes { margin: 0.15rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
.own { margin: 0.15rem 0 0; color: var(--quiet); font-size: 0.85rem; overflow-wrap: anywhere; }
.fine .verdict { color: var(--fine); } .look .verdict { color: var(--look); }
.failed .verdict { color: var(--failed); } .waiting .verdict { color: var(--waiting); }
.scale { white-space: pre-line; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
footer { margin-top: 1.5rem; color: var(--quiet); font-size: 0.85rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media screen and (max-width: 60rem) { .row { grid-template-columns: 10rem 10rem minmax(0, 1fr); } .head { display: none; }
  .number { text-align: left; } .number::before { content: attr(data-label) " "; color: var(--quiet); } }
@media screen and (max-width: 44rem) { body { padding: 0.75rem; } #slides .row { grid-template-columns: 1fr 1fr; padding: 0.6rem 0; }
  .title { grid-column: 1 / -1; order: -1; } .picture, .picture img { width: 100%; } }
@media print { @page { margin: 12mm; } html { font-size: 10px; } body { max-width: none; padding: 0; font-size: 11px; }
  .tools { display: none; } .head { position: static; } .head button::after { content: ""; }
  a { color: inherit; text-decoration: none; }
  .row, #slides .row { grid-template-columns: 8rem 8rem minmax(0, 1fr) 5rem 5rem 7rem; }
  #slides .row { content-visibility: visible; min-height: 0; break-inside: avoid; }
  .picture, .picture img { width: 8rem; height: 6rem; } }
)css";

// Sorting, filtering, and the folder's name, which stands in the address alone so that the page's bytes do not depend
// on it.
constexpr std::string_view kScript = R"js(
'use strict';
const list = document.getElementById('slides'), rows = [...list.children];
const find = document.getElementById('find'), shown = document.getElementById('shown');
const texts = rows.map(row => row.textContent.toLowerCase());
let verdict = '';
function show() {
  const wanted = find.value.trim().toLowerCase();
  let count = 0;
  rows.forEach((row, i) => {
    row.hidden = !((!verdict || row.classList.contains(verdict)) && texts[i].includes(wanted));
    if (!row.hidden) count++;
  });
  shown.textContent = count.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en') + ' slides shown';
}
find.addEventListener('input', show);
for (const button of document.querySelectorAll('.tools button')) {
  button.addEventListener('click', () => {
    verdict = button.dataset.verdict;
    for (const other of document.querySelectorAll('.tools button')) other.setAttribute('aria-pressed', other === button);
    show();
  });
}
const place = new Map(rows.map((row, i) => [row, i]));
for (const button of document.querySelectorAll('.head button')) {
  button.addEventListener('click', () => {
    const cell = button.parentElement, down = cell.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const other of cell.parentElement.children) other.removeAttribute('aria-sort');
    cell.setAttribute('aria-sort', down > 0 ? 'ascending' : 'descending');
    const value = row => Number(row.dataset[button.dataset.key] ?? place.get(row));
    list.append(...[...rows].sort((a, b) => down * (value(a) - value(b)) || place.get(a) - place.get(b)));
  });
}
addEventListener('beforeprint', () => rows.forEach(row => row.hidden || row.querySelectorAll('img').forEach(
  picture => { picture.loading = 'eager'; })));
const folder = location.pathname.split('/').slice(-2, -1)[0];
if (folder) {
  let name = folder;
  try { name = decodeURIComponent(folder); } catch { }
  document.getElementById('where').textContent = name;
  document.title = name + ' - hipt';
}
document.querySelector('.tools').hidden = false;
show();
)js";

// Text between tags or in quotes. A control character has no place in HTML.
std::string escaped(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html +=
            static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? std::string("\uFFFD") : std::string(1, c);
    }
  }
  return html;
}

// 1234567 as "1,234,567".
std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  for (auto at = std::ssize(digits) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

// What a Content-Security-Policy calls an inline style or script: 'sha256-<base64>'.
std::string policy_source(std::string_view content) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = sha256_hex(content) + "00";  // 256 bits, filled up to a multiple of 6
  const auto nibble = [&](std::size_t i) {
    return static_cast<unsigned>(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
  };
  std::string base64;
  for (std::size_t i = 0; i < hex.size(); i += 3) {  // 3 hexadecimal digits are 12 bits
    const unsigned bits = nibble(i) << 8 | nibble(i + 1) << 4 | nibble(i + 2);
    base64 += kDigits[bits >> 6];
    base64 += kDigits[bits & 63];
  }
  base64.resize(43);
  return "'sha256-" + base64 + "='";
}

struct VerdictText {
  Verdict verdict;
  std::string_view css;
  std::string_view badge;
  std::string_view button;
};
constexpr std::array kVerdicts = {VerdictText{Verdict::Failed, "failed", "\u2717 failed", "Failed"},
                                  VerdictText{Verdict::Look, "look", "\u26a0 to look at", "To look at"},
                                  VerdictText{Verdict::Fine, "fine", "\u2713 fine", "Fine"},
                                  VerdictText{Verdict::Waiting, "waiting", "\u2026 not done yet", "Not done yet"}};

class Page {
 public:
  explicit Page(const Report& report) : report_(report) {}

  std::string make() {
    write_head();
    write_facts();
    write_parameters();
    write_tools();
    write_table();
    put("<footer>hipt {}. Click a picture for the whole one.</footer>\n", escaped(version()));
    html_ += "<script>";
    html_ += kScript;
    html_ += "</script>\n</body>\n</html>\n";
    return std::move(html_);
  }

 private:
  template <class... Values>
  void put(fmt::format_string<Values...> text, Values&&... values) {
    fmt::format_to(std::back_inserter(html_), text, std::forward<Values>(values)...);
  }

  std::int64_t count(Verdict verdict) const {
    return std::ranges::count_if(report_.slides, [&](const ReportSlide& slide) { return slide.verdict == verdict; });
  }

  void write_head() {
    put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Tissue and patches - "
        "hipt</title>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"generator\" content=\"hipt {}\">\n",
        escaped(version()));
    // Whatever stands in a slide's name, nothing but this style and script is obeyed, and nothing is fetched but
    // pictures.
    put("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; style-src "
        "{}; "
        "script-src {}; base-uri 'none'; form-action 'none'\">\n",
        policy_source(kStyle), policy_source(kScript));
    html_ += "<style>";
    html_ += kStyle;
    html_ += "</style>\n</head>\n<body>\n<h1>Tissue and patches</h1>\n<p id=\"where\"></p>\n";
  }

  void write_fact(std::string_view name, const std::string& value) {
    put("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
  }

  void write_facts() {
    std::int64_t patches = 0;
    std::int64_t contours = 0;
    std::int64_t without = 0;
    for (const ReportSlide& slide : report_.slides) {
      patches += slide.patches.value_or(0);
      contours += slide.contours.value_or(0);
      if (slide.verdict != Verdict::Failed && slide.patches == 0) ++without;
    }
    html_ += "<dl class=\"facts\">\n";
    write_fact("slides", grouped(std::ssize(report_.slides)));
    write_fact("patches", grouped(patches));
    write_fact("patches a slide, median", report_.median_patches ? grouped(*report_.median_patches) : "-");
    write_fact("tissue contours", grouped(contours));
    write_fact("without a patch", grouped(without));
    write_fact("failed", grouped(count(Verdict::Failed)));
    html_ += "</dl>\n";
  }

  void write_parameters() {
    if (report_.common_parameters.empty()) return;
    html_ += "<details>\n<summary>Parameters of all slides</summary>\n<dl class=\"parameters\">\n";
    for (const auto& [name, value] : report_.common_parameters) {
      put("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), value.empty() ? "-" : escaped(value));
    }
    html_ += "</dl>\n</details>\n";
  }

  void write_tools() {
    html_ +=
        "<div class=\"tools\" hidden>\n"
        "<input id=\"find\" type=\"search\" placeholder=\"Find by name or note\" aria-label=\"Find by name or note\">\n"
        "<button type=\"button\" data-verdict=\"\" aria-pressed=\"true\">All</button>\n";
    for (const VerdictText& text : kVerdicts) {
      if (count(text.verdict) == 0) continue;
      put("<button type=\"button\" data-verdict=\"{}\" aria-pressed=\"false\">{} {}</button>\n", text.css, text.button,
          grouped(count(text.verdict)));
    }
    html_ += "<span id=\"shown\" role=\"status\"></span>\n</div>\n";
  }

  void write_column(std::string_view name, std::string_view key, std::string_view css = "") {
    put("<span role=\"columnheader\"{}>", css.empty() ? "" : fmt::format(" class=\"{}\"", css));
    if (key.empty()) {
      put("{}</span>\n", name);
    } else {
      put("<button type=\"button\" data-key=\"{}\">{}</button></span>\n", key, name);
    }
  }

  void write_table() {
    html_ +=
        "<main role=\"table\" aria-label=\"Slides\">\n<div role=\"rowgroup\">\n<div class=\"row head\" role=\"row\">\n";
    write_column("Mask", "");
    write_column("Stitch", "");
    write_column("Slide", "name");
    write_column("Contours", "contours", "number");
    write_column("Patches", "patches", "number");
    write_column("Scale", "");
    html_ += "</div>\n</div>\n<div id=\"slides\" role=\"rowgroup\">\n";
    for (const ReportSlide& slide : report_.slides) write_slide(slide);
    html_ += "</div>\n</main>\n";
  }

  void write_picture(const std::optional<ReportPicture>& picture, std::string_view what, const std::string& name) {
    html_ += "<span role=\"cell\">";
    if (picture) {
      put("<a class=\"picture\" href=\"{}\"><img src=\"{}\" alt=\"{} of {}\" width=\"160\" height=\"120\" "
          "loading=\"lazy\" decoding=\"async\"></a>",
          picture->full, picture->thumbnail, what, name);
    } else {
      html_ += "<span class=\"picture\">no picture</span>";
    }
    html_ += "</span>\n";
  }

  void write_number(const std::optional<std::int64_t>& number, std::string_view label) {
    put("<span role=\"cell\" class=\"number\" data-label=\"{}\">{}</span>\n", label, number ? grouped(*number) : "-");
  }

  void write_slide(const ReportSlide& slide) {
    const auto text = std::ranges::find(kVerdicts, slide.verdict, &VerdictText::verdict);
    const std::string name = escaped(slide.name);
    put("<div class=\"row {}\" role=\"row\" data-contours=\"{}\" data-patches=\"{}\">\n", text->css,
        slide.contours.value_or(-1), slide.patches.value_or(-1));
    write_picture(slide.mask, "tissue mask", name);
    write_picture(slide.stitch, "stitched patches", name);
    put("<div role=\"cell\" class=\"title\"><bdi class=\"name\">{}</bdi> <span class=\"verdict\">{}</span>", name,
        text->badge);
    if (!slide.notes.empty()) {
      html_ += "<ul class=\"notes\">";
      for (const std::string& note : slide.notes) put("<li>{}</li>", escaped(note));
      html_ += "</ul>";
    }
    if (!slide.parameters.empty()) {
      html_ += "<p class=\"own\">";
      for (std::string_view separator; const auto& [parameter, value] : slide.parameters) {
        put("{}{} {}", std::exchange(separator, " \u00b7 "), escaped(parameter), value.empty() ? "-" : escaped(value));
      }
      html_ += "</p>";
    }
    html_ += "</div>\n";
    write_number(slide.contours, "contours");
    write_number(slide.patches, "patches");
    put("<span role=\"cell\" class=\"scale\">{}</span>\n</div>\n", escaped(slide.scale));
  }

  const Report& report_;
  std::string html_;
};

}  // namespace

std::string report_page(const Report& report) {
  return Page(report).make();
}

std::string url_of(const std::filesystem::path& relative) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string url;
  for (const std::filesystem::path& part : relative) {
    if (!url.empty()) url += '/';
    for (const char c : part.string()) {
      if (kPlain.find(c) != std::string_view::npos) {
        url += c;
      } else {
        url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      }
    }
  }
  return url;
}

}  // namespace hipt::tiling
