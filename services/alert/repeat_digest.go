package alert

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"regexp"
	"strings"
)

// DefaultRepeatFields are the repeat fields without --repeat-fields.
const DefaultRepeatFields = "title,message,link,details"

// repeatField matches valid repeat fields, as SendAlertRequest.repeat_fields does.
var repeatField = regexp.MustCompile(`^(severity|title|message|link|details(\.[^\x00-\x1f\x7f]{1,100})?)$`)

// CheckRepeatFields returns an error for an invalid repeat field.
func CheckRepeatFields(fields []string) error {
	for _, f := range fields {
		if !repeatField.MatchString(f) {
			return fmt.Errorf("invalid repeat field %q: must be severity, title, message, link, details or details.NAME", f)
		}
	}
	return nil
}

// repeatDigest returns the digest of fields of an alert: those of two alerts are equal if the
// fields have the same values. fields must be valid.
func repeatDigest(a Alert, fields []string) string {
	h := sha256.New()
	for _, f := range fields {
		name, ofDetail := strings.CutPrefix(f, "details.")
		hashText(h, f)
		switch {
		case ofDetail:
			hashDetails(h, a, func(n string) bool { return n == name })
		case f == "details":
			hashDetails(h, a, func(string) bool { return true })
		case f == "severity":
			hashText(h, a.Severity)
		case f == "title":
			hashText(h, a.Title)
		case f == "message":
			hashText(h, a.Message)
		case f == "link":
			hashText(h, a.Link)
		}
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15])
}

// hashDetails adds the details with matching names, in their order.
func hashDetails(h hash.Hash, a Alert, match func(name string) bool) {
	for _, d := range a.Details {
		if match(d.Name) {
			hashText(h, d.Name)
			hashText(h, d.Value)
		}
	}
}

// hashText adds a text and its length, so that no two lists of texts are hashed alike.
func hashText(h hash.Hash, text string) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(text)))
	h.Write(length[:])
	h.Write([]byte(text))
}
