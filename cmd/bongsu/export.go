package main

import (
	"bytes"
	"context"
	"fmt"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// exportCmd is bongsu export.
type exportCmd struct {
	client
	Format      string `default:"yaml" enum:"yaml,csv" help:"yaml or csv."`
	WithSecrets bool   `help:"Write credentials too, sealed: they can be imported where the same seal key is, for the same addresses."`
	OpenWith    string `type:"path" placeholder:"FILE" help:"Write credentials in the clear, opened here with the seal key file of the service."`
}

// Help is the long help.
func (exportCmd) Help() string {
	return `Writes all that the directory holds, as it is at one moment. To import it again changes nothing. Without --with-secrets an import keeps the credentials that are there.

The service never answers with a credential in the clear. Who has its seal key file can open what it answers with: --with-secrets --open-with=FILE. Keep such a file as you would keep the key.

Examples:

	bongsu export > people.yaml
	bongsu export --format=csv > people.csv
	(umask 077; bongsu export --with-secrets > backup.yaml)`
}

// Run is bongsu export.
func (c exportCmd) Run(ctx context.Context, con *console) error {
	if c.OpenWith != "" && !c.WithSecrets {
		return usagef("--open-with opens secrets: say --with-secrets too")
	}
	var key *seal.Key
	if c.OpenWith != "" {
		var err error
		if key, err = seal.ReadKey(c.OpenWith); err != nil {
			return err
		}
	}
	res, err := c.transfers().ExportDirectory(ctx, &userv1.ExportDirectoryRequest{WithSecrets: c.WithSecrets})
	if err != nil {
		return err
	}
	if key != nil {
		if err := openAll(key, res); err != nil {
			return err
		}
	}
	if c.JSON {
		return con.showJSON(res)
	}
	write := writeYAML
	if c.Format == "csv" {
		write = writeCSV
	}
	var out bytes.Buffer
	if err := write(&out, sheet{res.GetUsers(), res.GetGroups()}); err != nil {
		return err
	}
	_, err = con.Out.Write(out.Bytes())
	return err
}

// openAll puts credentials in the clear in the place of sealed ones.
func openAll(key *seal.Key, res *userv1.ExportDirectoryResponse) error {
	for _, u := range res.GetUsers() {
		for _, a := range u.GetAddresses() {
			secret, err := key.Open(a.GetSealedCredential(), seal.ExportPurpose(u.GetNickName(), a.GetMessenger(), a.GetDestination()))
			if err != nil {
				return fmt.Errorf("%s is not the seal key of this service: %w", key, err)
			}
			a.Credential, a.SealedCredential = secret, nil
		}
	}
	return nil
}
