package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// A credential is the flags that bring a secret. Nothing ever prints it.
type credential struct {
	Credential     string `placeholder:"SECRET" help:"The messenger's token or secret URL. It stays in the shell's history: rather use --credential-file."`
	CredentialFile string `placeholder:"PATH" help:"A file that holds the credential and nothing else; - is standard input."`
}

const sealedHelp = `The credential is the messenger's token or secret URL. Put it into a file or pipe it in, so that it stands neither in the shell's history nor in the list of processes. It is sealed when it enters, and never shown again.`

func (c credential) given() bool { return c.Credential != "" || c.CredentialFile != "" }

// read gives the secret, without the line end that a file has.
func (c credential) read(stdin io.Reader) (string, error) {
	switch {
	case c.Credential != "" && c.CredentialFile != "":
		return "", usagef("say the credential once: --credential or --credential-file (BONGSU_CREDENTIAL, BONGSU_CREDENTIAL_FILE)")
	case c.Credential != "":
		return c.Credential, nil
	case c.CredentialFile == "":
		return "", usagef("say the credential: --credential-file=PATH, or --credential-file=- to pipe it in")
	case c.CredentialFile == "-":
		return readAll(stdin, "the credential")
	}
	file, err := os.Open(c.CredentialFile)
	if err != nil {
		return "", fmt.Errorf("read the credential: %w", err)
	}
	defer func() { _ = file.Close() }()
	return readAll(file, "the credential")
}

// readAll reads what was piped in, without the line ends at its end.
func readAll(in io.Reader, what string) (string, error) {
	const most = 1 << 20 // far above what any field may hold
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	if len(text) > most {
		return "", usagef("%s is larger than 1 MiB", what)
	}
	trimmed := strings.TrimRight(string(text), "\r\n")
	if trimmed == "" {
		return "", usagef("%s is empty", what)
	}
	return trimmed, nil
}

// A ranked command may say the rank of an address.
type ranked struct {
	Rank *int32 `placeholder:"N" help:"The address's rank, from 0 to 1000; failover uses the lower first. A new address has 0, one that is replaced keeps its own."`
}

// userAddAddress is bongsu user add-address.
type userAddAddress struct {
	userArg
	Messenger   string `required:"" placeholder:"NAME" help:"The messenger, such as slack; bongsu messenger list shows them."`
	Destination string `placeholder:"TEXT" help:"Where it delivers, such as a channel's id. Some messengers need none; bongsu messenger list says what each needs."`
	ranked
	credential
}

// Help is the long help.
func (userAddAddress) Help() string {
	return `A user has at most one address of each messenger.

` + sealedHelp + `

Examples:

	bongsu user add-address user1 --messenger=slack --destination=C0123456789 --credential-file=token.txt --rank=1
	pass show slack | bongsu user add-address user1 --messenger=slack --destination=C0123456789 --credential-file=-`
}

// Run is bongsu user add-address.
func (c userAddAddress) Run(ctx context.Context, con *console) error {
	secret, err := c.read(con.In)
	if err != nil {
		return err
	}
	res, err := c.users().AddUserAddress(ctx, &userv1.AddUserAddressRequest{
		NickName: c.name(),
		Address:  &userv1.NewAddress{Messenger: c.Messenger, Destination: c.Destination, Credential: secret, Rank: c.Rank},
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawAddress(p, c.name(), res.GetAddress()) })
}

// drawAddress shows one address of a user.
func drawAddress(p *page, name string, a *userv1.Address) {
	p.say("address %d of %s: %s %s, rank %d", a.GetId(), name, a.GetMessenger(), a.GetDestination(), a.GetRank())
}

// userReplaceAddress is bongsu user replace-address.
type userReplaceAddress struct {
	userArg
	Address     string  `arg:"" help:"The address: its id, or its messenger."`
	Messenger   string  `placeholder:"NAME" help:"Another messenger; the same unless said."`
	Destination *string `placeholder:"TEXT" help:"Another destination, or none where it is empty; the same unless said."`
	ranked
	credential
}

// Help is the long help.
func (userReplaceAddress) Help() string {
	return `Sets an address anew; its id stays. The credential must be said, since the one that is there cannot be read.

` + sealedHelp + `

Examples:

	bongsu user replace-address user1 slack --credential-file=new-token.txt
	bongsu user replace-address user1 7 --destination=C9876543210 --credential-file=token.txt`
}

// Run is bongsu user replace-address.
func (c userReplaceAddress) Run(ctx context.Context, con *console) error {
	secret, err := c.read(con.In)
	if err != nil {
		return err
	}
	old, err := c.find(ctx, c.Address)
	if err != nil {
		return err
	}
	anew := &userv1.NewAddress{Messenger: old.GetMessenger(), Destination: old.GetDestination(), Credential: secret, Rank: c.Rank}
	if c.Messenger != "" {
		anew.Messenger = c.Messenger
	}
	if c.Destination != nil {
		anew.Destination = *c.Destination
	}
	res, err := c.users().ReplaceUserAddress(ctx, &userv1.ReplaceUserAddressRequest{
		NickName: c.name(),
		Id:       old.GetId(),
		Address:  anew,
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawAddress(p, c.name(), res.GetAddress()) })
}

// userRemoveAddress is bongsu user remove-address.
type userRemoveAddress struct {
	userArg
	Address string `arg:"" help:"The address: its id, or its messenger."`
}

// Help is the long help.
func (userRemoveAddress) Help() string {
	return "Examples:\n\n\tbongsu user remove-address user1 slack\n\tbongsu user remove-address user1 7"
}

// Run is bongsu user remove-address.
func (c userRemoveAddress) Run(ctx context.Context, con *console) error {
	old, err := c.find(ctx, c.Address)
	if err != nil {
		return err
	}
	res, err := c.users().RemoveUserAddress(ctx, &userv1.RemoveUserAddressRequest{NickName: c.name(), Id: old.GetId()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("%s has no address by %s any more", c.name(), old.GetMessenger()) })
}
