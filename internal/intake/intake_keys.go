package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
)

// alertKeyOf returns an alert key, scoped by its source: the parts as they are if they are
// short and unambiguous, and a digest of them otherwise. Without parts it returns "".
func alertKeyOf(source string, parts []string) string {
	if strings.TrimSpace(strings.Join(parts, "")) == "" {
		return ""
	}
	key := source + ":" + strings.Join(parts, " ")
	for i, part := range parts {
		if i < len(parts)-1 && strings.ContainsRune(part, ' ') || strings.ContainsFunc(part, unicode.IsControl) {
			return source + ":" + digest(parts)
		}
	}
	if strings.ToValidUTF8(key, "") != key || truncate(key, maxKey) != key {
		return source + ":" + digest(parts)
	}
	return key
}

// idempotencyKeyOf returns an idempotency key of a source, of constant length.
func idempotencyKeyOf(source string, parts []string) string { return source + "/" + digest(parts) }

// digest returns the SHA-256 of parts, in hexadecimal.
func digest(parts []string) string {
	text, _ := json.Marshal(parts) // strings always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
