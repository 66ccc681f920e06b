package ban

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// An entry is a ban in the bucket, in JSON under keyOf. Edges of several versions share the
// bucket: fields are only added.
type entry struct {
	Address    netip.Prefix `json:"address"`
	CreateTime time.Time    `json:"createTime"`
	ExpireTime time.Time    `json:"expireTime"`
}

func encodeEntry(b Ban) ([]byte, error) { return json.Marshal(entry(b)) }

// decodeEntry returns the ban of an entry. It returns an error for one that no edge writes.
func decodeEntry(data []byte) (Ban, error) {
	var e entry
	if err := json.Unmarshal(data, &e); err != nil {
		return Ban{}, fmt.Errorf("decode ban: %w", err)
	}
	if !e.Address.IsValid() || NetworkOf(e.Address.Addr()) != e.Address {
		return Ban{}, fmt.Errorf("decode ban: invalid address %q", e.Address)
	}
	return Ban(e), nil
}

// keyOf returns the key of a network in the bucket: a key may not hold a colon or a slash.
func keyOf(network netip.Prefix) string {
	return strings.ReplaceAll(network.Addr().String(), ":", "-")
}

// networkOfKey returns the network of a key; the zero Prefix for a key that is not of keyOf.
func networkOfKey(key string) netip.Prefix {
	addr, err := netip.ParseAddr(strings.ReplaceAll(key, "-", ":"))
	if err != nil {
		return netip.Prefix{}
	}
	return NetworkOf(addr)
}
