package app

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
)

var _ alert.Directory = localDirectory{}

// A localDirectory is the directory of the alert service in the same process, which takes
// targets that are parsed. Their number is limited where the request is validated.
type localDirectory struct {
	resolver interface {
		Resolve(ctx context.Context, targets target.List) (found []directory.Recipient, unknown []string, err error)
	}
}

// LookUp returns the recipients of targets.
func (d localDirectory) LookUp(ctx context.Context, targets target.List) (alert.LookupResult, error) {
	found, unknown, err := d.resolver.Resolve(ctx, targets)
	if err != nil {
		return alert.LookupResult{}, err
	}
	res := alert.LookupResult{Recipients: make([]alert.Recipient, len(found)), UnknownTargets: unknown}
	for i := range found {
		r := &found[i]
		res.Recipients[i] = alert.Recipient{
			Nickname:              r.Nickname,
			Failover:              r.Failover,
			Messenger:             r.Address.Messenger,
			Destination:           r.Address.Destination,
			SealedCredential:      r.Address.SealedCredential,
			CredentialFingerprint: r.Address.CredentialFingerprint,
			QuietHours:            r.QuietHours,
		}
	}
	return res, nil
}
