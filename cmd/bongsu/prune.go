package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// leastKeep is how long a replaced key stays at least: until what was under way
// when it was replaced is counted.
const leastKeep = time.Hour

// keyPrune is bongsu key prune.
type keyPrune struct {
	client
	Path string        `arg:"" type:"path" help:"The seal key file of the running service."`
	Keep time.Duration `default:"720h" help:"How long a key stays after it was replaced, at least 1h. What failed under a key that is dropped cannot be replayed."`
}

// Help is the long help.
func (keyPrune) Help() string {
	return `Drops keys from the file that seal nothing any more: no address, and no delivery that has not ended, which the running service is asked for. A key that was replaced less than --keep ago stays, since what failed under it may be replayed.

Examples:

	bongsu key prune /etc/bongsu/seal.key
	bongsu key prune /etc/bongsu/seal.key --keep=24h`
}

// Validate is called by kong before Run.
func (c keyPrune) Validate() error {
	if c.Keep < leastKeep {
		return usagef("--keep is at least %s", leastKeep)
	}
	return c.client.Validate()
}

// A pruning is which keys are dropped, and why the others are not.
type pruning struct {
	Dropped []seal.ID `json:"dropped"`
	Kept    []kept    `json:"kept"`
}

// A kept is a key that is not dropped.
type kept struct {
	ID      seal.ID `json:"id"`
	Because string  `json:"because"`
}

// Run is bongsu key prune.
func (c keyPrune) Run(ctx context.Context, con *console) error {
	entries, err := seal.List(c.Path)
	if err != nil {
		return err
	}
	res, err := c.messengers().ListSealKeys(ctx, &messengerv1.ListSealKeysRequest{})
	if err != nil {
		return err
	}
	p, err := c.judge(con, entries, res.GetKeys())
	if err != nil {
		return err
	}
	if len(p.Dropped) > 0 {
		if err := seal.Prune(c.Path, p.Dropped); err != nil {
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

// draw shows a pruning.
func (p pruning) draw(to *page) {
	for _, id := range p.Dropped {
		to.say("key %s is dropped", id)
	}
	for _, k := range p.Kept {
		to.say("key %s stays: %s", k.ID, k.Because)
	}
	if len(p.Dropped)+len(p.Kept) == 0 {
		to.say("the file holds one key only")
	}
}

// judge says which keys of a file can be dropped, by what the service needs.
func (c keyPrune) judge(con *console, entries []seal.Entry, needed []*messengerv1.SealKey) (pruning, error) {
	p := pruning{Dropped: []seal.ID{}, Kept: []kept{}}
	need := map[seal.ID]*messengerv1.SealKey{}
	sealing := seal.ID(0)
	for _, k := range needed {
		need[seal.ID(k.GetId())] = k
		if k.GetPrimary() {
			sealing = seal.ID(k.GetId())
		}
	}
	for _, e := range entries {
		if e.Primary && e.ID != sealing {
			return p, fmt.Errorf("the service at %s seals by key %s, and %s by key %s: it has another file, or has not taken this one up yet", c.shown(), sealing, c.Path, e.ID)
		}
		if e.Primary {
			continue
		}
		if why := c.because(con, e, need[e.ID]); why != "" {
			p.Kept = append(p.Kept, kept{e.ID, why})
		} else {
			p.Dropped = append(p.Dropped, e.ID)
		}
	}
	return p, nil
}

// because says why a key must stay; empty where it need not.
func (c keyPrune) because(con *console, e seal.Entry, need *messengerv1.SealKey) string {
	var reasons []string
	if n := need.GetAddressCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals %d of the addresses, which the group service seals anew while it runs", n))
	}
	if n := need.GetDeliveryCount(); n > 0 {
		reasons = append(reasons, fmt.Sprintf("it seals %d of the deliveries that have not ended", n))
	}
	until := e.Replaced.Add(c.Keep)
	switch {
	case e.Replaced.IsZero():
		reasons = append(reasons, "it is not known when it was replaced; bongsu key rotate notes it")
	case con.Now().Before(until):
		reasons = append(reasons, fmt.Sprintf("it was replaced less than %s ago; it can be dropped from %s on", c.Keep, until.In(con.Zone).Format(time.DateTime)))
	}
	return strings.Join(reasons, ", and ")
}
