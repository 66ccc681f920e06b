package auth

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// tokenIDPrefix begins the id of a caller with a token, so that no subject is the id of
	// a key.
	tokenIDPrefix = "oidc:"
	// maxClaimValues is the maximum number of values of the roles claim that are read.
	maxClaimValues = 1000
	// maxNameBytes is the maximum length of a caller's name, which is cut, and of a nickname,
	// which is none if it is longer.
	maxNameBytes     = 100
	maxNicknameBytes = 120
	// maxSubjectBytes is the maximum length of a subject, as the standard has it.
	maxSubjectBytes = 255
)

// ClaimNames are the names of the claims of a token. A name with dots that is no claim
// itself is a path into nested claims: realm_access.roles.
type ClaimNames struct {
	Roles    string // a list of texts, or texts separated by spaces
	Nickname string // empty for none
}

// caller returns the caller with a subject and claims.
func (n ClaimNames) caller(subject string, claims map[string]any, rolesOf func([]string) []string) Caller {
	c := Caller{ID: tokenIDPrefix + subject, Name: nameOf(claims, subject), Roles: rolesOf(texts(claimOf(claims, n.Roles)))}
	slices.Sort(c.Roles)
	c.Roles = slices.Compact(c.Roles)
	if n.Nickname != "" {
		if nickname, _ := claimOf(claims, n.Nickname).(string); len(nickname) <= maxNicknameBytes {
			c.Nickname = norm.NFC.String(nickname)
		}
	}
	return c
}

// claimOf returns a claim by its name or its path; nil for none.
func claimOf(claims map[string]any, name string) any {
	if value, ok := claims[name]; ok {
		return value
	}
	outer, inner, ok := strings.Cut(name, ".")
	nested, isNested := claims[outer].(map[string]any)
	if !ok || !isNested {
		return nil
	}
	return claimOf(nested, inner)
}

// texts returns the texts in a claim.
func texts(claim any) []string {
	switch value := claim.(type) {
	case string:
		fields := strings.Fields(value)
		return fields[:min(len(fields), maxClaimValues)]
	case []any:
		var all []string
		for _, v := range value[:min(len(value), maxClaimValues)] {
			if text, ok := v.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// nameOf returns the name in a token for people.
func nameOf(claims map[string]any, subject string) string {
	text := func(name string) string { value, _ := claims[name].(string); return value }
	name := cmp.Or(text("name"), text("preferred_username"), text("email"), text("client_id"), subject)
	for len(name) > maxNameBytes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}
