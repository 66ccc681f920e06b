package alert

// An IncidentChangeKind is the kind of the effect of an alert on its incident.
type IncidentChangeKind int

// The kinds of changes.
const (
	IncidentOpened       IncidentChangeKind = iota + 1 // the alert opened the incident, whose id is that of the alert
	IncidentUpdated                                    // the alert changed it
	IncidentRepeated                                   // the alert repeated its state
	IncidentReopened                                   // the alert opened it again within the flap window
	IncidentResolved                                   // the alert resolved it, or repeated that it is resolved
	IncidentAcknowledged                               // somebody takes care of it
)

// IsUpdate reports whether a firing alert changes the state of its incident.
func (k IncidentChangeKind) IsUpdate() bool {
	return k == IncidentOpened || k == IncidentUpdated || k == IncidentReopened
}

// An IncidentChange is the effect of a recorded alert on its incident.
type IncidentChange struct {
	ID       int64 // later changes of a key have greater ids
	Incident int64 // the id of the alert that opened it
	Kind     IncidentChangeKind
	Alert    Alert // without Counts
}
