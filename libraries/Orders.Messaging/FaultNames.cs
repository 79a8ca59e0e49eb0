using System.Reflection;
using MassTransit;

namespace Orders.Messaging;

/// <summary>
/// Names the exchange of a message's faults after the exchange of the message, also where that is named by an
/// <see cref="EntityNameAttribute"/>. Other systems rely on it, and so do the permissions of users.
/// </summary>
/// <param name="names">Names everything else.</param>
internal sealed class FaultNames(IEntityNameFormatter names) : IEntityNameFormatter
{
    public string FormatEntityName<T>()
    {
        var type = typeof(T);
        return type.IsGenericType
            && type.GetGenericTypeDefinition() == typeof(Fault<>)
            && type.GetGenericArguments()[0].GetCustomAttribute<EntityNameAttribute>() is { } message
            ? $"MassTransit:Fault--{message.EntityName}--"
            : names.FormatEntityName<T>();
    }
}
