package event

import "time"

// A Rule says whom events notify, and of what.
type Rule struct {
	Name string
	// Type is a pattern of types: see Pattern.
	Type string
	// Condition is a CEL expression; empty for always.
	Condition string
	// Title, Message, Link and Severity are templates. Only Message must not be empty.
	Title    string
	Message  string
	Link     string
	Severity string
	Notify   []Notify
	// Key and Status are templates of the alert key and of the status; empty for an alert that
	// stands alone, and for firing.
	Key    string
	Status string
	// Escalation is the name of the escalation policy of its incidents; empty for none.
	Escalation string
	// RepeatFields are the fields whose change makes a repeated alert an update; empty for those
	// of the alert service.
	RepeatFields []string
	// Batch is nil for an alert per event.
	Batch    *BatchSpec
	Disabled bool
	// TTL is the time to live of the alerts; 0 for their default.
	TTL time.Duration
	// Revision differs for each change of any rule, and grows.
	Revision   int64
	UpdateTime time.Time
}

// Notify says who is notified, by which messengers.
type Notify struct {
	// Targets are targets or templates of targets.
	Targets []string `json:"targets"`
	// By holds the names of messengers; empty for all.
	By []string `json:"by,omitempty"`
	// Message is a template in place of that of the rule; empty for that.
	Message string `json:"message,omitempty"`
}
