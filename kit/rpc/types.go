package rpc

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Types resolve the messages in google.protobuf.Any, and extensions.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// A dynamicTypes are the types of files that are known only at run time and, after them, those
// of the program.
type dynamicTypes struct{ files *dynamicpb.Types }

func newDynamicTypes(files *protoregistry.Files) Types {
	return &dynamicTypes{dynamicpb.NewTypes(files)}
}

// FindMessageByName returns the type of a full name.
func (t *dynamicTypes) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := t.files.FindMessageByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL returns the type of the URL in a google.protobuf.Any.
func (t *dynamicTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if found, err := t.files.FindMessageByURL(url); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

// FindExtensionByName returns the extension of a full name.
func (t *dynamicTypes) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if found, err := t.files.FindExtensionByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

// FindExtensionByNumber returns the extension of a message with a number.
func (t *dynamicTypes) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	if found, err := t.files.FindExtensionByNumber(message, number); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
}
