package main

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/seal"
)

// keyMake is bongsu key make.
type keyMake struct {
	Path string `arg:"" type:"path" help:"The file to write, with mode 0600."`
}

// Help is the long help.
func (keyMake) Help() string {
	return `The key seals credentials in the directory, the queue and the ledger. The group service and the senders need the same one. A key that is there already is left as it is. Keep a copy in a safe place: without it no credential can be opened again.

Examples:

	bongsu key make /etc/bongsu/seal.key`
}

// Run is bongsu key make.
func (c keyMake) Run(con *console) error {
	if err := seal.MakeKey(c.Path); err != nil {
		return err
	}
	if _, err := seal.ReadKey(c.Path); err != nil {
		return err
	}
	_, err := fmt.Fprintf(con.Out, "the seal key is at %s\n", c.Path)
	return err
}

// keyRotate is bongsu key rotate.
type keyRotate struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help is the long help.
func (keyRotate) Help() string {
	return `Adds a key to the file, which seals from now on. The keys that are there stay, and open what they sealed. Running processes take it up within seconds, and the group service seals the addresses of the directory anew; nothing has to be started again. What was queued before is sent under the key it was sealed by. bongsu key prune drops that key when nothing needs it.

Where each machine has a copy of the file, rotate one, and bring it to the senders before the group service. A key in the environment is rotated in a file, and given to new processes in the same order.

Example:

	bongsu key rotate /etc/bongsu/seal.key`
}

// Run is bongsu key rotate.
func (c keyRotate) Run(con *console) error {
	id, err := seal.Rotate(c.Path, con.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "key %s seals from now on; keep a copy of %s as it is now in a safe place\n", id, c.Path)
	return err
}

// keyList is bongsu key list.
type keyList struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help is the long help.
func (keyList) Help() string {
	return `One key of the file seals what enters; all open what they sealed. The keys themselves are not shown.

Example:

	bongsu key list /etc/bongsu/seal.key`
}

// Run is bongsu key list.
func (c keyList) Run(con *console) error {
	entries, err := seal.List(c.Path)
	if err != nil {
		return err
	}
	return con.draw(func(p *page) {
		p.row("ID", "USE", "MADE", "REPLACED")
		for _, e := range entries {
			use := "opens"
			if e.Primary {
				use = "seals"
			}
			p.row(e.ID, use, p.moment(e.Made), p.moment(e.Replaced))
		}
	})
}

// moment is a time as people read it; empty where it is not known.
func (p *page) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format(time.DateTime)
}
