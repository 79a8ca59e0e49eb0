using System.Reflection;
using MassTransit;

namespace Orders.Messaging;

/// <summary>
/// Names the exchanges of a message that says its name by a <see cref="MessageUrnAttribute"/>, and of its faults, after that name and
/// not after its .NET type. Other systems rely on it, and so do the permissions of users.
/// </summary>
/// <param name="names">Names everything else.</param>
internal sealed class MessageNames(IEntityNameFormatter names) : IEntityNameFormatter
{
    public string FormatEntityName<T>()
    {
        var type = typeof(T);
        return NameOf(type)
            ?? (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Fault<>) && NameOf(type.GetGenericArguments()[0]) is { } message
                ? $"MassTransit:Fault--{message}--"
                : names.FormatEntityName<T>());
    }

    private static string? NameOf(Type type) => type.GetCustomAttribute<MessageUrnAttribute>()?.Urn.OriginalString[MessageUrn.Prefix.Length..];
}
