package incident

import (
	"context"
	"time"
)

// A Store stores incidents. Times have microseconds. Every method is one transaction. It is safe
// for concurrent use, by several processes too.
type Store interface {
	Incidents
	Changes
	Notices
	Policies
	Escalations
	Silences

	// DeleteIncidents deletes incidents that last changed before a time, the oldest first, at
	// most limit of them, with their entries, and returns their number. An incident with
	// notices is kept.
	DeleteIncidents(ctx context.Context, before time.Time, limit int) (int, error)
	// CountOpen returns the number of incidents that are firing, and of those that are
	// acknowledged.
	CountOpen(ctx context.Context) (firing, acknowledged int64, err error)
}

// Incidents reads and changes incidents.
type Incidents interface {
	// Incident returns an incident. It must return fault.ErrNotFound if there is none.
	Incident(ctx context.Context, id int64) (Incident, error)
	// Entries returns the first entries of an incident, in their order; none for an unknown one.
	Entries(ctx context.Context, id int64, limit int) ([]Entry, error)
	// Page returns incidents, those with the highest ids first.
	Page(ctx context.Context, q Query) ([]Incident, error)
	// Revision returns the revision of the last change of any incident, 0 for none. The changes
	// of all revisions up to it are visible.
	Revision(ctx context.Context) (int64, error)
	// ChangedAfter returns the incidents whose revision is above one, by revision.
	ChangedAfter(ctx context.Context, revision int64, limit int) ([]Incident, error)

	// Modify calls rule with an incident, stores the modification and returns the incident as
	// it is stored, in one transaction: no other change comes between. It must return
	// fault.ErrNotFound if there is none, and the error of rule, with which nothing is stored.
	// rule may be called more than once, and must not call the store.
	Modify(ctx context.Context, id int64, rule Rule) (Incident, error)
}

// A Rule returns the modification of an incident. An empty Modification changes nothing.
type Rule func(Incident) (Modification, error)

// A Modification is a change of one incident.
type Modification struct {
	// Incident is the incident as it is to be stored; nil leaves it as it is. Its EntryCount
	// counts Entries.
	Incident *Incident
	// Escalate is when its escalation begins anew, by the policy that it names or that of one
	// of its groups; zero where it goes on as it is. The escalation of an incident that is not
	// firing ends in any case.
	Escalate time.Time
	Entries  []Entry  // to add
	Notices  []Notice // to send, without ids
}

// Changes applies the changes of the alert service. One process at a time follows them: the
// holder of a lease.
type Changes interface {
	// Lease takes the lease for a holder until a time, or extends it, if no other holder has it
	// at the time now. It returns the id of the last change that was applied, and whether the
	// holder has the lease.
	Lease(ctx context.Context, holder string, now, until time.Time) (after int64, leased bool, err error)
	// Release releases the lease of a holder.
	Release(ctx context.Context, holder string) error
	// Apply applies changes in their order, by ApplyChange, unless the holder has lost the
	// lease: then it must return ErrLeaseLost and change nothing. A change that was applied to
	// its incident before is not applied again.
	Apply(ctx context.Context, holder string, changes []Change) error
}

// Notices hands out notices to be sent.
type Notices interface {
	// ClaimNotices returns notices that are due, the oldest of each incident only, at most
	// limit of them, and claims them: until the time until no other call returns them.
	ClaimNotices(ctx context.Context, now, until time.Time, limit int) ([]Notice, error)
	// NoticeSent deletes a notice, and sets the alert of its entry. One that is deleted is
	// ignored.
	NoticeSent(ctx context.Context, n Notice, alertID int64) error
	// NoticeRefused deletes a notice that cannot be sent.
	NoticeRefused(ctx context.Context, n Notice) error
	// DelayNotice makes a notice due at a time.
	DelayNotice(ctx context.Context, n Notice, due time.Time) error
}

// Policies stores escalation policies.
type Policies interface {
	// ListPolicies returns all policies, by name.
	ListPolicies(ctx context.Context) ([]Policy, error)
	// Policy returns a policy. It must return fault.ErrNotFound if there is none.
	Policy(ctx context.Context, name string) (Policy, error)
	// SetPolicy creates p, or replaces the policy of its name. It must return fault.ErrInvalid,
	// and store nothing, if another policy is attached to one of its groups.
	SetPolicy(ctx context.Context, p Policy) error
	// DeletePolicy deletes a policy. It must return fault.ErrNotFound if there is none.
	DeletePolicy(ctx context.Context, name string) error
}

// Escalations takes the steps of escalations.
type Escalations interface {
	// TakeEscalations takes the next steps that are due, by Escalate, at most limit of them: it
	// stores the entry and the notice of each, and when the next one is due, in one
	// transaction. Of several processes one takes a step. It returns the number of steps, and
	// when the next one is due, zero for none.
	TakeEscalations(ctx context.Context, now time.Time, limit int) (taken int, next time.Time, err error)
}

// A ChangeFeed is the changes of the alert service.
type ChangeFeed interface {
	// ListChanges returns the changes after an id, in the order of each key. If there are none,
	// it waits for one, at most 20 seconds. Those up to the id may be deleted.
	ListChanges(ctx context.Context, after int64, limit int) ([]Change, error)
}

// Alerts records the alerts of notices in the alert service.
type Alerts interface {
	// Send records the alert of a notice and returns its id. A notice that was recorded before
	// is not recorded again. It must return fault.ErrInvalid if the alert can never be recorded.
	Send(ctx context.Context, n Notice) (alertID int64, err error)
}
