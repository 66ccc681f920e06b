package edge_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
)

// libraryFiles returns the descriptors of the library, which are not linked into the edge,
// after change, which may be nil.
func libraryFiles(t testing.TB, change func(*descriptorpb.FileDescriptorProto)) *protoregistry.Files {
	t.Helper()
	files := new(protoregistry.Files)
	for _, name := range []string{"shelf.txtpb", "library.txtpb"} {
		file := readFile(t, name)
		if name == "library.txtpb" && change != nil {
			change(file)
		}
		built, err := protodesc.NewFile(file, withGlobal{files})
		if err != nil {
			t.Fatal(err)
		}
		if err := files.RegisterFile(built); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// readFile reads a descriptor of testdata.
func readFile(t testing.TB, name string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := prototext.Unmarshal(text, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// withGlobal resolves files and, after them, those of the test.
type withGlobal struct{ *protoregistry.Files }

func (r withGlobal) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if found, err := r.Files.FindFileByPath(path); err == nil {
		return found, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

func (r withGlobal) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if found, err := r.Files.FindDescriptorByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

// libraryServices are the Protobuf services of the library.
var libraryServices = []string{"library.v1.BookService", "library.v1.DraftService", "library.v1.GreedyService", "library.v1.StaffService"}

// A library is a process that serves library.v1, with reflection.
type library struct {
	*httptest.Server
	files  *protoregistry.Files
	gets   atomic.Int64 // calls of GetBook
	seen   atomic.Pointer[http.Header]
	closed chan struct{} // of a request that waited
}

// startLibrary starts a library whose descriptors are changed.
func startLibrary(t testing.TB, change func(*descriptorpb.FileDescriptorProto)) *library {
	t.Helper()
	l := &library{files: libraryFiles(t, change), closed: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	handle(mux, l, "GetBook", connect.NewUnaryHandler[dynamicpb.Message, dynamicpb.Message], l.getBook)
	handle(mux, l, "ListBooks", connect.NewUnaryHandler[dynamicpb.Message, dynamicpb.Message], l.listBooks)
	for _, name := range []string{"LendBook", "PutBook", "AddBook"} {
		handle(mux, l, name, connect.NewUnaryHandler[dynamicpb.Message, dynamicpb.Message], l.change)
	}
	handle(mux, l, "SignIn", connect.NewUnaryHandler[dynamicpb.Message, dynamicpb.Message], l.signIn)
	handle(mux, l, "WatchBooks", connect.NewServerStreamHandler[dynamicpb.Message, dynamicpb.Message], l.watchBooks)
	handle(mux, l, "CountBooks", connect.NewClientStreamHandler[dynamicpb.Message, dynamicpb.Message], l.countBooks)
	handle(mux, l, "FindBooks", connect.NewBidiStreamHandler[dynamicpb.Message, dynamicpb.Message], l.findBooks)
	reflector := grpcreflect.NewReflector(namer(libraryServices), grpcreflect.WithDescriptorResolver(withGlobal{l.files}))
	mux.Handle(grpcreflect.NewHandlerV1(reflector))
	l.Server = httptest.NewUnstartedServer(mux)
	l.Config.Protocols = new(http.Protocols)
	l.Config.Protocols.SetUnencryptedHTTP2(true)
	l.Start()
	t.Cleanup(l.Close)
	return l
}

// namer are the names of services for reflection.
type namer []string

func (n namer) Names() []string { return n }

// handle adds the handler of a method of the library.
func handle[F any](mux *http.ServeMux, l *library, name string, construct func(string, F, ...connect.HandlerOption) *connect.Handler, f F) {
	path := "/library.v1.BookService/" + name
	method := l.method(name)
	if method == nil {
		return // the changed descriptors lack it
	}
	mux.Handle(path, construct(path, f, connect.WithSchema(method), connect.WithRequestInitializer(func(_ connect.Spec, message any) error {
		*message.(*dynamicpb.Message) = *dynamicpb.NewMessage(method.Input()) //nolint:forcetypeassert // as connect documents it
		return nil
	})))
}

// method returns the descriptor of a method of BookService.
func (l *library) method(name string) protoreflect.MethodDescriptor {
	found, err := l.files.FindDescriptorByName("library.v1.BookService")
	if err != nil {
		return nil // the changed descriptors lack it
	}
	return found.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(name)) //nolint:forcetypeassert // the name is that of a service
}

// message returns a message of the library by its JSON.
func (l *library) message(name, text string) *dynamicpb.Message {
	found, err := l.files.FindDescriptorByName(protoreflect.FullName("library.v1." + name))
	if err != nil {
		panic(err)
	}
	m := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor)) //nolint:forcetypeassert // the name is that of a message
	if err := (protojson.UnmarshalOptions{Resolver: dynamicpb.NewTypes(l.files)}).Unmarshal([]byte(text), m); err != nil {
		panic(err)
	}
	return m
}

// text returns a field of a message.
func text(m *dynamicpb.Message, field string) string {
	return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(field))).String()
}

func (l *library) getBook(_ context.Context, req *connect.Request[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
	l.gets.Add(1)
	header := req.Header().Clone()
	l.seen.Store(&header)
	switch id := text(req.Msg, "id"); id {
	case "none":
		return nil, l.lentOut()
	case "stranger":
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("I know no edge"))
	case "broken":
		return nil, connect.NewError(connect.CodeInternal, errors.New("select * from secret"))
	default:
		res := connect.NewResponse(l.message("Book", `{"id":"`+id+`","title":"Dune","added":"2026-11-29T01:02:03Z","shelf":"SHELF_NEW",
			"note":{"@type":"type.googleapis.com/library.v1.LentOut","lentTo":"kim"}}`))
		res.Header().Set("Book-Place", "left")
		return res, nil
	}
}

// lentOut returns an error with details, one of which only the library knows.
func (l *library) lentOut() *connect.Error {
	err := connect.NewError(connect.CodeNotFound, errors.New("no such book"))
	own, _ := proto.Marshal(l.message("LentOut", `{"lentTo":"kim"}`))
	for _, m := range []proto.Message{
		&errdetails.ErrorInfo{Reason: "BOOK_GONE", Domain: "library"},
		&anypb.Any{TypeUrl: "type.googleapis.com/library.v1.LentOut", Value: own},
	} {
		if detail, failed := connect.NewErrorDetail(m); failed == nil {
			err.AddDetail(detail)
		}
	}
	err.Meta().Set("Book-Hint", "ask")
	return err
}

func (l *library) listBooks(_ context.Context, req *connect.Request[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
	res := connect.NewResponse(l.message("ListBooksResponse", `{"books":[{"id":"`+text(req.Msg, "page_size")+`"}]}`))
	res.Header().Set("Book-Place", "left")
	res.Header().Set("Set-Cookie", "a=b")
	res.Trailer().Set("Book-Count", "1")
	return res, nil
}

// change answers LendBook, PutBook and AddBook.
func (l *library) change(ctx context.Context, req *connect.Request[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
	switch req.Msg.Descriptor().Name() {
	case "LendBookRequest":
		return connect.NewResponse(l.message("Book", `{"id":"`+text(req.Msg, "id")+`","lentTo":"`+text(req.Msg, "nick_name")+`","title":"`+text(req.Msg, "idempotency_key")+`"}`)), nil
	case "PutBookRequest":
		if text(req.Msg, "id") == "slow" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		book := req.Msg.Get(req.Msg.Descriptor().Fields().ByName("book")).Message().Interface().(*dynamicpb.Message) //nolint:forcetypeassert // the message is dynamic
		return connect.NewResponse(l.message("Book", `{"id":"`+text(req.Msg, "id")+`","title":"`+text(book, "title")+`"}`)), nil
	}
	return connect.NewResponse(req.Msg), nil
}

// signIn answers SignIn: the password is the name and a digit.
func (l *library) signIn(_ context.Context, req *connect.Request[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
	switch text(req.Msg, "password") {
	case text(req.Msg, "name") + "1":
		return connect.NewResponse(l.message("SignInResponse", `{"token":"t1"}`)), nil
	case "guarded": // as the guard of a port with another internal key
		err := connect.NewError(connect.CodeUnauthenticated, errors.New("the internal key is wrong"))
		if detail, failed := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: "NOT_A_PEER", Domain: "library"}); failed == nil {
			err.AddDetail(detail)
		}
		return nil, err
	}
	return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("wrong name or password"))
}

func (l *library) watchBooks(ctx context.Context, req *connect.Request[dynamicpb.Message], to *connect.ServerStream[dynamicpb.Message]) error {
	to.ResponseHeader().Set("Book-Place", "left")
	endless := text(req.Msg, "page_size") == "2"
	if endless {
		defer func() { l.closed <- struct{}{} }()
	}
	for _, id := range []string{"1", "2", "3"} {
		if err := to.Send(l.message("Book", `{"id":"`+id+`"}`)); err != nil {
			return err
		}
	}
	if text(req.Msg, "page_size") == "1" {
		return l.lentOut()
	}
	if endless {
		<-ctx.Done()
		return ctx.Err()
	}
	to.ResponseTrailer().Set("Book-Count", "3")
	return nil
}

func (l *library) countBooks(_ context.Context, from *connect.ClientStream[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
	var ids []string
	for from.Receive() {
		ids = append(ids, text(from.Msg(), "id"))
	}
	if from.Err() != nil {
		l.closed <- struct{}{}
		return nil, from.Err()
	}
	res := connect.NewResponse(l.message("CountResponse", `{"count":`+string('0'+rune(len(ids)))+`}`))
	res.Trailer().Set("Book-Ids", strings.Join(ids, " "))
	return res, nil
}

// findBooks answers each request at once, until the id is last.
func (l *library) findBooks(_ context.Context, stream *connect.BidiStream[dynamicpb.Message, dynamicpb.Message]) error {
	for {
		req, err := stream.Receive()
		switch {
		case errors.Is(err, io.EOF):
			stream.ResponseTrailer().Set("Book-Count", "all")
			return nil
		case err != nil:
			l.closed <- struct{}{}
			return err
		case text(req, "id") == "last":
			return l.lentOut()
		}
		if err := stream.Send(l.message("Book", `{"id":"`+text(req, "id")+`"}`)); err != nil {
			return err
		}
	}
}

// libraryJSON is the JSON codec of a client that knows the types of the library.
type libraryJSON struct{}

func (libraryJSON) Name() string { return "json" }

func (libraryJSON) Marshal(message any) ([]byte, error) {
	return protojson.MarshalOptions{Resolver: typesOf(message)}.Marshal(message.(proto.Message)) //nolint:forcetypeassert // clients use no other type
}

func (libraryJSON) Unmarshal(data []byte, message any) error {
	return protojson.UnmarshalOptions{Resolver: typesOf(message)}.Unmarshal(data, message.(proto.Message)) //nolint:forcetypeassert // as above
}

// typesOf returns the types of the file of a message.
func typesOf(message any) *dynamicpb.Types {
	files := new(protoregistry.Files)
	_ = files.RegisterFile(message.(proto.Message).ProtoReflect().Descriptor().ParentFile()) //nolint:forcetypeassert // as above
	return dynamicpb.NewTypes(files)
}
