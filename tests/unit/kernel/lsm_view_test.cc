#include "compiler/kernel/lsm_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/kernel/view.h"

namespace ravelin::kernel {
namespace {

TEST(LsmView, EveryOperationIsThereWithASourceAndSeesItsFacetsAttributesOnly) {
  for (const std::string_view mechanism : {"apparmor"}) {
    for (const FacetInfo& facet : Facets()) {
      for (const std::string& operation : facet.operations) {
        const auto rows = LsmRowsOf(mechanism, facet.name, operation);
        EXPECT_FALSE(rows.empty()) << mechanism << ": " << facet.name << " " << operation;
        for (const LsmRow* row : rows) {
          EXPECT_FALSE(row->source.empty());
          EXPECT_EQ(row->object_class.empty(), row->permissions.empty()) << facet.name << " " << operation;
          for (const std::string& attribute : row->sees) {
            const bool known = attribute == "owner" || std::find(facet.attributes.begin(), facet.attributes.end(), attribute) != facet.attributes.end();
            EXPECT_TRUE(known) << mechanism << ": " << facet.name << " has no " << attribute;
          }
        }
      }
    }
  }
}

TEST(LsmView, ApparmorAsDocumented) {
  const auto write = LsmRowsOf("apparmor", "file", "delete");
  ASSERT_EQ(write.size(), 1u);
  EXPECT_EQ(write[0]->permissions, std::vector<std::string>{"w"});
  EXPECT_EQ(LsmRowsOf("apparmor", "file", "getattr")[0]->object_class, "");
  EXPECT_EQ(LsmRowsOf("apparmor", "capability", "net_raw")[0]->permissions, std::vector<std::string>{"net_raw"});
}

}  // namespace
}  // namespace ravelin::kernel
