package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// minKeyAge is the minimum retention of a replaced key: by then all deliveries that
// were in flight when it was replaced are counted.
const minKeyAge = time.Hour

// sealKeyPrune is the command bongsu seal-key prune.
type sealKeyPrune struct {
	client
	Path            string        `arg:"" type:"path" help:"The seal key file of the running service."`
	WithoutMonitors bool          `help:"The system has no monitor service: drop keys although no monitors were counted."`
	Keep            time.Duration `default:"720h" help:"How long a key is kept after it was replaced, at least 1h; deliveries that failed under a dropped key cannot be replayed."`
}

// Help returns the long help.
func (sealKeyPrune) Help() string {
	return `Drops keys from the file that seal no address, no callback endpoint, no monitor and no delivery that is not completed; the command queries the running service for them. A key that was replaced less than --keep ago stays, because deliveries that failed under it may be replayed.

The alert service counts monitors at the monitor service. If that cannot be reached, the command fails. If the alert service finds none, in its process, by --monitor-service-url or in the registry, no key is dropped: its monitors might need them. Set --monitor-service-url where the alert service runs, or --without-monitors here if the system has none.

Examples:

	bongsu seal-key prune /etc/bongsu/seal.key
	bongsu seal-key prune /etc/bongsu/seal.key --keep=24h
	bongsu seal-key prune /etc/bongsu/seal.key --without-monitors`
}

// Validate checks the flags; kong calls it before Run.
func (c sealKeyPrune) Validate() error {
	if c.Keep < minKeyAge {
		return usagef("--keep must be at least %s", minKeyAge)
	}
	return c.client.Validate()
}

// A pruneResult lists the dropped keys, and the kept ones with reasons.
type pruneResult struct {
	Dropped []seal.KeyID `json:"dropped"`
	Kept    []keptKey    `json:"kept"`
}

// A keptKey is a key that is not dropped.
type keptKey struct {
	ID      seal.KeyID `json:"id"`
	Because string     `json:"because"`
}

// Run executes bongsu seal-key prune.
func (c sealKeyPrune) Run(ctx context.Context, con *console) error {
	entries, err := sealkey.Format.ListKeys(c.Path)
	if err != nil {
		return err
	}
	res, err := c.messengers().ListSealKeys(ctx, &messengerv1.ListSealKeysRequest{})
	if err != nil {
		return err
	}
	p, err := c.judge(con, entries, res)
	if err != nil {
		return err
	}
	if len(p.Dropped) > 0 {
		if err := sealkey.Format.PruneKeyFile(c.Path, p.Dropped); err != nil {
			return err
		}
	}
	if c.JSON {
		text, err := json.MarshalIndent(p, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(con.Out, "%s\n", text)
		}
		return err
	}
	if err := con.draw(p.draw); err != nil {
		return err
	}
	if len(p.Dropped) == 0 && len(p.Kept) > 0 {
		return errors.New("no key can be dropped yet")
	}
	return nil
}

// draw prints the result.
func (p pruneResult) draw(to *page) {
	for _, id := range p.Dropped {
		to.say("key %s is dropped", id)
	}
	for _, k := range p.Kept {
		to.say("key %s is kept: %s", k.ID, k.Because)
	}
	if len(p.Dropped)+len(p.Kept) == 0 {
		to.say("the file holds one key only")
	}
}

// judge returns which keys of a file can be dropped; res holds the keys that the service
// uses.
func (c sealKeyPrune) judge(con *console, entries []seal.KeyInfo, res *messengerv1.ListSealKeysResponse) (pruneResult, error) {
	p := pruneResult{Dropped: []seal.KeyID{}, Kept: []keptKey{}}
	need := map[seal.KeyID]*messengerv1.SealKey{}
	sealing := seal.KeyID(0)
	for _, k := range res.GetKeys() {
		need[seal.KeyID(k.GetId())] = k
		if k.GetPrimary() {
			sealing = seal.KeyID(k.GetId())
		}
	}
	for _, e := range entries {
		if e.Primary && e.ID != sealing {
			return p, fmt.Errorf("the primary key of the service at %s is %s, that of %s is %s: the service uses another file, or has not loaded this one yet", c.shown(), sealing, c.Path, e.ID)
		}
		if e.Primary {
			continue
		}
		reasons := c.reasonsToKeep(con, e, need[e.ID])
		if !res.GetMonitorsCounted() && !c.WithoutMonitors {
			reasons = append(reasons, "the monitors that it seals are not counted, because the alert service finds no monitor service: set --monitor-service-url there, or --without-monitors here if the system has none")
		}
		if len(reasons) > 0 {
			p.Kept = append(p.Kept, keptKey{e.ID, strings.Join(reasons, ", and ")})
		} else {
			p.Dropped = append(p.Dropped, e.ID)
		}
	}
	return p, nil
}

// reasonsToKeep returns the reasons for which a key must be kept; none if it can be dropped.
func (c sealKeyPrune) reasonsToKeep(con *console, e seal.KeyInfo, need *messengerv1.SealKey) (reasons []string) {
	if n := need.GetAddressCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals %d addresses, which the directory service seals again in the background", n))
	}
	if n := need.GetDeliveryCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals %d deliveries that are not completed", n))
	}
	if n := need.GetCallbackEndpointCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals the secrets of %d callback endpoints, which the alert service seals again in the background", n))
	}
	if n := need.GetMonitorCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals the secrets of %d monitors, which the monitor service seals again in the background", n))
	}
	until := e.ReplaceTime.Add(c.Keep)
	switch {
	case e.ReplaceTime.IsZero():
		reasons = append(reasons, "the time of its replacement is unknown; bongsu seal-key rotate records it")
	case con.Now().Before(until):
		reasons = append(reasons, fmt.Sprintf("it was replaced less than %s ago; it can be dropped from %s", c.Keep, until.In(con.Zone).Format(time.DateTime)))
	}
	return reasons
}
