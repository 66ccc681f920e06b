// Package event is the event service: it stores events of other systems in a stream, and
// records an alert for each event that matches a rule.
package event
