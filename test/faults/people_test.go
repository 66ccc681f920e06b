package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/test/judge"
)

// The users of every system: user1 to user60, each with a destination. The first are in
// teams, whose members share one credential of Slack; the others have a credential
// each, over all messengers, and some of them are in shifts.
const (
	users     = 60
	teams     = 4
	teamSize  = 5
	shifts    = 8
	shiftSize = 3
)

// channel returns the destination of a user.
func channel(user int) string { return routeOf(user).Destination(user) }

// token returns the credential of a user.
func token(user int) string {
	if team := (user-1)/teamSize + 1; team <= teams {
		return fmt.Sprintf("TEAM%d-TOKEN", team)
	}
	return routeOf(user).Credential(user)
}

// tokens returns the credentials by destination.
func tokens() map[string]string {
	all := map[string]string{}
	for user := 1; user <= users; user++ {
		all[channel(user)] = token(user)
	}
	return all
}

// groups returns the users of every group.
func groups() map[string][]int {
	all, next := map[string][]int{}, 1
	for _, kind := range []struct {
		name        string
		count, size int
	}{{"team", teams, teamSize}, {"shift", shifts, shiftSize}} {
		for n := 1; n <= kind.count; n++ {
			for range kind.size {
				name := fmt.Sprintf("%s%d", kind.name, n)
				all[name] = append(all[name], next)
				next++
			}
		}
	}
	return all
}

// routesTo returns the routes by destination.
func routesTo() map[string]judge.Route {
	all := map[string]judge.Route{}
	for user := 1; user <= users; user++ {
		all[channel(user)] = routeOf(user)
	}
	return all
}

// everyTeam is the target of the users that are notified by Slack only.
const everyTeam = `"@@team1","@@team2","@@team3","@@team4"`

// aim returns a random target and the number of its users.
func aim(rng *rand.Rand) (target string, people int) {
	switch n := rng.IntN(60); {
	case n == 0:
		return `"@all"`, users
	case n < 15:
		return fmt.Sprintf(`"@@team%d"`, 1+rng.IntN(teams)), teamSize
	case n < 30:
		return fmt.Sprintf(`"@@shift%d"`, 1+rng.IntN(shifts)), shiftSize
	}
	return fmt.Sprintf(`"@user%d"`, 1+rng.IntN(users)), 1
}

// settle imports the users into an empty directory.
func (s *system) settle(t testing.TB, url string) {
	t.Helper()
	people := userv1connect.NewUserServiceClient(s.client(), url)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(8)
	for user := 1; user <= users; user++ {
		g.Go(func() error {
			_, err := people.CreateUser(ctx, &userv1.CreateUserRequest{NickName: fmt.Sprintf("user%d", user), Addresses: []*userv1.NewAddress{
				{Messenger: routeOf(user).Messenger, Credential: token(user), Destination: channel(user)},
			}})
			return err
		})
	}
	must(t, g.Wait())
	together := groupv1connect.NewGroupServiceClient(s.client(), url)
	for name, members := range groups() {
		made, err := together.CreateGroup(t.Context(), &groupv1.CreateGroupRequest{GroupName: name})
		must(t, err)
		for _, user := range members {
			_, err := together.AddGroupUser(t.Context(), &groupv1.AddGroupUserRequest{Id: made.GetGroup().GetId(), NickName: fmt.Sprintf("user%d", user)})
			must(t, err)
		}
	}
}
