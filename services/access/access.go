// Package access is the access service: it stores API keys and the audit log. The edges
// verify keys by it and record calls in it; it decides about no call itself.
package access

import (
	"net/netip"
	"time"
)

// A Key is an API key without its secret.
type Key struct {
	ID               string // the public part of the key; 1 to 40 characters
	SecretHash       []byte // the SHA-256 of the secret
	Name             string // whose key it is, for people; 1 to 100 characters, not unique
	Role             string // the role of internal/role that it has
	Nickname         string // the user whose key it is, in canonical form; empty for none
	CreateTime       time.Time
	ExpireTime       time.Time      // zero for never
	RevokeTime       time.Time      // zero if it is not revoked
	LastUseTime      time.Time      // zero for never
	AllowedAddresses []netip.Prefix // from which it is accepted; empty for all
}

// A KeyUse is when a key was used.
type KeyUse struct {
	ID   string
	Time time.Time
}

// An AuditEntry is one call in the audit log. Texts that are longer than the limits of the
// store are cut by AuditEntry.bound.
type AuditEntry struct {
	ID         string // orders the entries of one moment; 1 to 40 characters, unique
	Time       time.Time
	Caller     string // the id of the API key, or oidc:SUBJECT for a token; empty without a caller
	CallerName string
	Address    string // of the client
	Procedure  string // such as bongsu.group.v1.GroupService/CreateGroup
	Resource   string // such as groups/7
	Outcome    string // ok, or the code of the error
	RequestID  string
	TraceID    string
}

// An AuditQuery selects entries of the audit log. Empty fields select all.
type AuditQuery struct {
	Caller    string
	Procedure string // a method, or a service for all of its methods
	Resource  string
	From      time.Time   // entries at or after it
	Before    time.Time   // entries before it
	After     AuditCursor // entries that follow it, latest first
	Limit     int         // the maximum number of entries; at least 1
}

// An AuditCursor is the place of an entry in the audit log.
type AuditCursor struct {
	Time time.Time
	ID   string
}
