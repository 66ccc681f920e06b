package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
)

// aboutKey returns the key of what an alert is about, scoped by its source: the parts
// as they are where they are short and cannot be mistaken for others, else a digest of
// them. No parts are no key.
func aboutKey(source string, parts []string) string {
	if strings.TrimSpace(strings.Join(parts, "")) == "" {
		return ""
	}
	key := source + ":" + strings.Join(parts, " ")
	for i, part := range parts {
		if i < len(parts)-1 && strings.ContainsRune(part, ' ') || strings.ContainsFunc(part, unicode.IsControl) {
			return source + ":" + digest(parts)
		}
	}
	if strings.ToValidUTF8(key, "") != key || cut(key, maxKey) != key {
		return source + ":" + digest(parts)
	}
	return key
}

// sameKey returns an idempotency key of a source: of one length, whatever its parts.
func sameKey(source string, parts []string) string { return source + "/" + digest(parts) }

// digest returns a digest of parts, in hexadecimal.
func digest(parts []string) string {
	text, _ := json.Marshal(parts) // texts always can be written
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
