package cli

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
)

// keyMake is the command bongsu key make.
type keyMake struct {
	Path string `arg:"" type:"path" help:"The file to write, with mode 0600."`
}

// Help returns the long help.
func (keyMake) Help() string {
	return `The seal key encrypts credentials in the directory, the queue and the ledger. The directory service and the senders need the same one. An existing file is kept. Keep a copy in a safe place: without it no credential can be decrypted.

Examples:

	bongsu key make /etc/bongsu/seal.key`
}

// Run executes bongsu key make.
func (c keyMake) Run(con *console) error {
	if err := sealkey.Format.CreateKeyFile(c.Path); err != nil {
		return err
	}
	if _, err := sealkey.Format.ReadKeyFile(c.Path); err != nil {
		return err
	}
	_, err := fmt.Fprintf(con.Out, "the seal key is at %s\n", c.Path)
	return err
}

// keyRotate is the command bongsu key rotate.
type keyRotate struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help returns the long help.
func (keyRotate) Help() string {
	return `Adds a key to the file and makes it the primary, which seals. The older keys stay and open what they sealed. Running processes load the file within seconds without a restart, and the directory service seals the addresses of the directory again. Deliveries that are queued keep the key that sealed them. bongsu key prune drops older keys that nothing needs.

If each machine has a copy of the file, rotate one copy, and deploy it to the senders before the directory service. Rotate a key in the environment in a file, and start new processes with it in the same order.

Example:

	bongsu key rotate /etc/bongsu/seal.key`
}

// Run executes bongsu key rotate.
func (c keyRotate) Run(con *console) error {
	id, err := sealkey.Format.RotateKeyFile(c.Path, con.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "key %s is the primary from now on; keep a copy of the new %s in a safe place\n", id, c.Path)
	return err
}

// keyList is the command bongsu key list.
type keyList struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help returns the long help.
func (keyList) Help() string {
	return `The primary key seals new credentials; every key opens what it sealed. The secret parts of keys are not shown.

Example:

	bongsu key list /etc/bongsu/seal.key`
}

// Run executes bongsu key list.
func (c keyList) Run(con *console) error {
	entries, err := sealkey.Format.ListKeys(c.Path)
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
			p.row(e.ID, use, p.moment(e.CreateTime), p.moment(e.ReplaceTime))
		}
	})
}

// moment returns a time in the page's time zone, or "" for the zero time.
func (p *page) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format(time.DateTime)
}
