// SQLite for the files of this folder that speak to it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ravelin::observe {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// A statement: values are bound in their order, then rows are stepped through.
class Statement {
 public:
  Statement(sqlite3* db, const char* text) : db_(db) {
    sqlite3_stmt* raw = nullptr;
    good_ = sqlite3_prepare_v2(db, text, -1, &raw, nullptr) == SQLITE_OK;
    statement_.reset(raw);
  }
  // The text must live until the row is inserted.
  Statement& Bind(std::string_view text) {
    good_ = good_ && sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC) == SQLITE_OK;
    return *this;
  }
  Statement& Bind(int64_t value) {
    good_ = good_ && sqlite3_bind_int64(statement_.get(), ++bound_, value) == SQLITE_OK;
    return *this;
  }
  Statement& Bind(double value) {
    good_ = good_ && sqlite3_bind_double(statement_.get(), ++bound_, value) == SQLITE_OK;
    return *this;
  }
  // True on a row.
  bool Step() {
    if (!good_) return false;
    const int code = sqlite3_step(statement_.get());
    good_ = code == SQLITE_ROW || code == SQLITE_DONE;
    return code == SQLITE_ROW;
  }
  // An insertion; ready for the next one.
  bool Insert() {
    Step();
    if (statement_) sqlite3_reset(statement_.get());
    bound_ = 0;
    return good_;
  }
  // Of the row; until the next step.
  std::string_view View(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return text == nullptr ? std::string_view() : std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
  }
  std::string Text(int column) const { return std::string(View(column)); }
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double Real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  bool good() const { return good_; }
  std::string error() const { return sqlite3_errmsg(db_); }

 private:
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, CloseDatabase> statement_;
  bool good_ = false;
  int bound_ = 0;
};

}  // namespace ravelin::observe
