package edge

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the units of a size, largest first.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// minCacheBytes is the least size of a cache: a list of a few hundred groups must fit in.
const minCacheBytes = 1 << 20

// CacheBytes returns the size of the response cache in bytes, 0 for none. It returns an
// error, which names the flag, for text that is no size.
func (c Config) CacheBytes() (int64, error) {
	if c.ResponseCache == "off" {
		return 0, nil
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(c.ResponseCache, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/unit.bytes || n*unit.bytes < minCacheBytes || strings.HasPrefix(digits, "+") {
			break
		}
		return n * unit.bytes, nil
	}
	return 0, errors.New("--response-cache must be off, or a size of at least 1MiB such as 64MiB, 512MiB or 2GiB")
}
