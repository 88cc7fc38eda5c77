// How many alerts there have to be and how many there are, in memory that outlives the worker (and,
// being a file, the daemon): what a process that was killed had not written yet is known by number,
// and the next one reports it. Zeroed memory is an empty ledger.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace holdfast {

struct AlertLedger {
  struct Stream {
    std::atomic<std::uint64_t> expected;  // acts that must be told of
    std::atomic<std::uint64_t>
        settled;  // told of by a document of their own, by a summary, or as lost
    std::atomic<std::uint64_t> sequence;  // of the last document
    // Repeats of acts that have their document, counted until a summary tells of them.
    std::atomic<std::uint64_t> repeats;
    std::atomic<std::uint64_t> repeats_settled;
  };
  std::array<Stream, 3> streams;  // alerts, file, process
};

}  // namespace holdfast
