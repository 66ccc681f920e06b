package lease

import (
	"hash/fnv"
	"strconv"
)

// shardCount is the number of shards. It is fixed: processes with different numbers would own the
// same keys.
const shardCount = 64

// shardOf returns the shard of a key.
func shardOf(key string) int { return int(hash(key) % shardCount) }

// shareOf returns the member that is to own a shard, of at least one: the same for all processes
// that know the same members. Each member has about the same number of shards, and a member that
// comes or goes moves only its own.
func shareOf[V any](members map[string]V, shard int) string {
	best, bestWeight := "", uint64(0)
	for id := range members {
		weight := hash(id + "/" + strconv.Itoa(shard))
		if best == "" || weight > bestWeight || weight == bestWeight && id > best {
			best, bestWeight = id, weight
		}
	}
	return best
}

// hash returns a hash that is the same in every process and version.
func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	// The finalizer of MurmurHash3: without it, texts that differ in the last byte have close
	// hashes.
	v := h.Sum64()
	v = (v ^ v>>33) * 0xff51afd7ed558ccd
	v = (v ^ v>>33) * 0xc4ceb9fe1a85ec53
	return v ^ v>>33
}
