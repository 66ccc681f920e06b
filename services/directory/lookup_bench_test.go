package directory_test

import (
	"fmt"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
)

// BenchmarkLookUp resolves a group of 1,000, as for each accepted alert, and measures
// the additional cost of resealing each credential for its delivery (docs/adr/0020-sealed-for-an-address.md).
func BenchmarkLookUp(b *testing.B) {
	store, key := openDirectory(b)
	const members = 1000
	all := directory.Snapshot{Groups: []directory.Membership{{Group: "ops"}}}
	for i := range members {
		name := fmt.Sprint("user", i)
		sealed, err := key.SealForOwner(fmt.Sprint("xoxb-17653672481-19874698323-", i), seal.Owner{Name: name, Service: "slack", Address: "C1"})
		must(b, err)
		all.Users = append(all.Users, directory.User{Nickname: name, Addresses: []directory.Address{{Messenger: "slack", SealedCredential: sealed, Destination: "C1"}}})
		all.Groups[0].Members = append(all.Groups[0].Members, name)
	}
	_, err := store.Fill(b.Context(), all)
	must(b, err)
	h := &directory.LookupHandler{Finder: store, Key: key}
	req := &userv1.LookUpRequest{Target: []string{"@@ops"}}
	for name, reseal := range map[string]bool{"as sealed": false, "sealed for each delivery": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := h.LookUp(b.Context(), req)
				must(b, err)
				if len(res.GetRecipients()) != members {
					b.Fatal(len(res.GetRecipients()))
				}
				for i, r := range res.GetRecipients() {
					if !reseal {
						break
					}
					of := seal.Owner{Name: r.GetNickName(), Service: r.GetMessenger(), Address: r.GetDestination()}
					credential, err := key.OpenForOwner(r.GetSealedCredential(), of)
					must(b, err)
					of.Name = fmt.Sprint(i) // in place of the delivery id
					_, err = key.SealForOwner(credential, of)
					must(b, err)
				}
			}
		})
	}
}
