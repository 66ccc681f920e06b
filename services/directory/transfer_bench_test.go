package directory_test

import (
	"fmt"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// crowd returns an import of n users with an address each, in groups of ten.
func crowd(n int) *userv1.ImportDirectoryRequest {
	req := new(userv1.ImportDirectoryRequest)
	for i := range n {
		name := fmt.Sprint("user", i)
		req.Users = append(req.Users, user(name, address("label", fmt.Sprint("C", i), fmt.Sprint("xoxb-", i))))
		if i%10 == 0 {
			req.Groups = append(req.Groups, &userv1.TransferGroup{GroupName: fmt.Sprint("team", i/10)})
		}
		last := req.GetGroups()[len(req.GetGroups())-1]
		last.Members = append(last.Members, name)
	}
	return req
}

// BenchmarkImport imports the maximum number of users, into an empty directory and into
// one that holds them already.
func BenchmarkImport(b *testing.B) {
	const most = 100_000
	req := crowd(most)
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			h, _ := transfers(b)
			b.StartTimer()
			if got := imports(b, h, req).GetUsers().GetCreatedCount(); got != most {
				b.Errorf("%d were created", got)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		h, _ := transfers(b)
		imports(b, h, req)
		for b.Loop() {
			if got := imports(b, h, req).GetUsers().GetUnchangedCount(); got != most {
				b.Errorf("%d were unchanged", got)
			}
		}
	})
}
