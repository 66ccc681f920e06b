package alert

import (
	"context"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
)

var _ Directory = DirectoryClient{}

// A DirectoryClient implements Directory over DirectoryService, for a directory in another
// process.
type DirectoryClient struct {
	Service userv1connect.DirectoryServiceClient
}

// LookUp sends the targets as the caller wrote them.
func (c DirectoryClient) LookUp(ctx context.Context, targets target.List) (LookupResult, error) {
	res, err := c.Service.LookUp(ctx, &userv1.LookUpRequest{Target: targets.Texts})
	if err != nil {
		return LookupResult{}, err
	}
	found := LookupResult{Recipients: make([]Recipient, 0, len(res.GetRecipients())), UnknownTargets: res.GetUnknownTarget()}
	var hours *quiethours.Hours // of the user of r
	for i, r := range res.GetRecipients() {
		if i == 0 || r.GetNickName() != res.GetRecipients()[i-1].GetNickName() {
			hours = quiethours.FromWire(r.GetQuietHours())
		}
		found.Recipients = append(found.Recipients, Recipient{
			Nickname:              r.GetNickName(),
			Failover:              r.GetFailover(),
			Messenger:             r.GetMessenger(),
			Destination:           r.GetDestination(),
			SealedCredential:      r.GetSealedCredential(),
			CredentialFingerprint: r.GetCredentialKey(),
			QuietHours:            hours,
		})
	}
	return found, nil
}
