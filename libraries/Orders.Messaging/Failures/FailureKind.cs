using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MassTransit;

namespace Orders.Messaging.Failures;

/// <summary>What may be done about a message that failed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailureKind>))]
public enum FailureKind
{
    /// <summary>Trying again may help.</summary>
    Transient,

    /// <summary>Trying again cannot help.</summary>
    Permanent,

    /// <summary>The message is not JSON, or not a message that this endpoint knows.</summary>
    Unreadable,

    /// <summary>Another order has the order id of the message: what becomes of the message is not to be told of that order.</summary>
    Conflict,
}

/// <summary>Sorts failures, once, where they happen.</summary>
public static class FailureKinds
{
    /// <summary>The kind of a failure; whatever is not known to be hopeless is <see cref="FailureKind.Transient"/>.</summary>
    public static FailureKind Of(Exception exception)
    {
        // MassTransit and the JSON reader wrap what they catch, and wrap what they throw.
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case IForeseenFailure foreseen:
                    return foreseen.Kind;
                // FormatException: MassTransit reads the ids of a message here and there, and fails so on one that is none.
                case SerializationException or JsonException or MessageNotConsumedException or FormatException:
                    return FailureKind.Unreadable;
            }
        }

        return FailureKind.Transient;
    }

    /// <summary>What a kind is called in routing keys.</summary>
    public static string Word(this FailureKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>Retries and redeliveries are for what may succeed: everything else goes straight to the error queue.</summary>
    public static void HandleTransientOnly(this IExceptionConfigurator retry) =>
        retry.Handle<Exception>(exception => Of(exception) == FailureKind.Transient);
}
