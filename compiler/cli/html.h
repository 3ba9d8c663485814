// Pages that stand by themselves: no script, no network, light and dark, usable by keyboard and on a narrow screen.
#pragma once

#include <string>
#include <string_view>

namespace ravelin::cli {

// Text as it may stand between tags and in quoted attributes; bytes that are no characters of a page are shown as \xHH.
std::string Escape(std::string_view text);
// The same, with what stands between back-ticks as code.
std::string Marked(std::string_view text);

struct Page {
  std::string title;      // of the window
  std::string heading;
  std::string lead;       // below it, as HTML
  std::string navigation;  // "" or HTML
  std::string body;       // HTML
  std::string style;      // beside that of every page
};
std::string PageText(const Page& page);

// A table that scrolls by itself where it is too wide, and says by `caption` what it is (plain text).
std::string Table(std::string_view caption, std::string_view head, std::string_view rows);

}  // namespace ravelin::cli
