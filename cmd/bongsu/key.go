package main

import (
	"fmt"

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
