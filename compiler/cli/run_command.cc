#include "compiler/cli/commands.h"
namespace ravelin::cli { int Run(const RunCommand&) { return 3; } }
