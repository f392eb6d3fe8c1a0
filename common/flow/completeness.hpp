// Is what the caller has said in a state all that they want to say? It decides how long a pause must be to
// end their turn. Not public.
#pragma once
#include "flow/flow_model.hpp"
#include "flow/variables.hpp"
#include "language/clauses.hpp"
#include "voice/dialogue.hpp"

namespace talky::flow {

// Has the state a rule for "yes" or "no"?
bool waits_for_yes_or_no(const State& state);

language::Completeness completeness(const FlowModel& model, const State& state, const Variables& variables,
                                    const voice::Utterance& utterance);
// Of keys that were typed.
language::Completeness completeness(const FlowModel& model, const State& state, const voice::Digits& digits);

} // namespace talky::flow
