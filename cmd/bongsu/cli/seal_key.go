package cli

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
)

// sealKeyMake is the command bongsu seal-key make.
type sealKeyMake struct {
	Path string `arg:"" type:"path" help:"The file to write, with mode 0600."`
}

// Help returns the long help.
func (sealKeyMake) Help() string {
	return `The seal key encrypts credentials in the directory, the queue and the ledger. The directory service and the senders need the same one. An existing file is kept. Keep a copy in a safe place: without it no credential can be decrypted.

Examples:

	bongsu seal-key make /etc/bongsu/seal.key`
}

// Run executes bongsu seal-key make.
func (c sealKeyMake) Run(con *console) error {
	if err := sealkey.Format.CreateKeyFile(c.Path); err != nil {
		return err
	}
	if _, err := sealkey.Format.ReadKeyFile(c.Path); err != nil {
		return err
	}
	_, err := fmt.Fprintf(con.Out, "the seal key is at %s\n", c.Path)
	return err
}

// sealKeyRotate is the command bongsu seal-key rotate.
type sealKeyRotate struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help returns the long help.
func (sealKeyRotate) Help() string {
	return `Adds a key to the file and makes it the primary, which seals. The older keys stay and open what they sealed. Running processes load the file within seconds without a restart, and the directory service seals the addresses of the directory again. Deliveries that are queued keep the key that sealed them. bongsu seal-key prune drops older keys that nothing needs.

If each machine has a copy of the file, rotate one copy, and deploy it to the senders before the directory service. Rotate a key in the environment in a file, and start new processes with it in the same order.

Example:

	bongsu seal-key rotate /etc/bongsu/seal.key`
}

// Run executes bongsu seal-key rotate.
func (c sealKeyRotate) Run(con *console) error {
	id, err := sealkey.Format.RotateKeyFile(c.Path, con.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "key %s is the primary from now on; keep a copy of the new %s in a safe place\n", id, c.Path)
	return err
}

// sealKeyList is the command bongsu seal-key list.
type sealKeyList struct {
	Path string `arg:"" type:"path" help:"The seal key file."`
}

// Help returns the long help.
func (sealKeyList) Help() string {
	return `The primary key seals new credentials; every key opens what it sealed. The secret parts of keys are not shown.

Example:

	bongsu seal-key list /etc/bongsu/seal.key`
}

// Run executes bongsu seal-key list.
func (c sealKeyList) Run(con *console) error {
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
