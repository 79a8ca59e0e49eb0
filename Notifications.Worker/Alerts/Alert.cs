using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Contracts;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;

namespace Notifications.Worker.Alerts;

/// <summary>What people are told, whatever carries it to them.</summary>
/// <param name="Id">The same for every attempt to tell this.</param>
/// <param name="Subject">What happened, in one line.</param>
/// <param name="Text">What one should know of it.</param>
internal sealed record Alert(string Id, string Subject, string Text)
{
    private const string Kept = "The message is kept until a person acts.";
    private const string CustomerNotTold = $"The customer has not been told. {Kept}";

    /// <summary>The message of an order waits for a person.</summary>
    public static Alert Of(OrderConfirmationFailed failed)
    {
        var order = Name(failed.OrderId);
        return OfParked(
            $"{failed.OrderId}", $"Not confirmed: {order}", $"The confirmation of {order} was given up.", "order-confirmation", failed.Reason, failed.FailedAt, CustomerNotTold);
    }

    /// <summary>The message of another notification waits for a person.</summary>
    public static Alert Of(NotificationFailed failed)
    {
        var email = $"{failed.Notification} of {(failed.OrderId is { } id ? $"order {id}" : "a message without ids of its own")}{(failed.Reference is { } reference ? $" ({reference})" : "")}";
        return OfParked(
            $"{failed.Notification}\n{failed.OrderId}\n{failed.Reference}",
            $"Not sent: {email}",
            $"The email {email} was given up.",
            failed.Notification,
            failed.Reason,
            failed.FailedAt,
            // Its ids may be those of a message that was emailed.
            failed.OrderId is not null ? CustomerNotTold : $"This message was not emailed. {Kept}");
    }

    /// <summary>The message of another program's endpoint waits for a person.</summary>
    public static Alert Of(FaultParked parked)
    {
        var message = $"a message of {parked.Endpoint}{(parked.Subject is { } subject ? $" about {subject}" : "")}";
        return OfParked(
            $"{parked.Endpoint}\n{parked.Subject}", $"Given up: {message}", $"The redeliver job gave up {message}.", parked.Endpoint, parked.Reason, parked.At, Kept);
    }

    /// <summary>An outage of the mail server has begun.</summary>
    public static Alert OfBeginning(MailServerUnreachable outage) => new(
        $"mail-outage-{Ticks(outage.Since)}-begin",
        "The mail server cannot be reached",
        $"""
        The mail server cannot be reached. Emails to customers wait in their queues, and are sent as soon as it is back.

        Since: {outage.Since:u}
        Why:   {outage.Reason}
        """);

    /// <summary>An outage of the mail server has ended.</summary>
    /// <param name="since">When people were told that it began.</param>
    /// <param name="until">When it ended.</param>
    public static Alert OfEnd(DateTimeOffset since, DateTimeOffset until) => new(
        $"mail-outage-{Ticks(since)}-end",
        "The mail server is back",
        $"""
        The mail server can be reached again. The emails that waited are being sent.

        Since: {until:u}
        It could not be reached since {since:u}.
        """);

    /// <summary>Somebody tries passwords.</summary>
    public static Alert Of(SignInsSlowed slowed) => new(
        $"sign-in-{Hash($"{slowed.User}\n{slowed.At:O}")}",
        $"Somebody tries passwords of {slowed.User}",
        $"""
        {slowed.WrongPasswords} wrong passwords came within an hour for the user {slowed.User} of the fault queues.

        When:  {slowed.At:u}

        That name has one try in {FaultAccess.SignInPause.TotalSeconds:0} s now, until fewer wrong passwords come. Where {slowed.User} has signed in before, nothing changes.
        The log has the addresses. If the password is weak, change it.
        """);

    private static Alert OfParked(string about, string subject, string what, string endpoint, string reason, DateTimeOffset at, string consequence) => new(
        $"parked-{Hash($"{about}\n{reason}\n{at:O}")}",
        subject,
        $"""
        {what}

        Why:   {reason}
        When:  {at:u}
        Where: queue {new FaultEndpoint(endpoint).ParkingQueue}

        {consequence}
        """);

    private static string Name(string? orderId) => orderId is null ? "an order without an id of its own" : $"order {orderId}";

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));

    private static string Ticks(DateTimeOffset since) => since.UtcTicks.ToString(CultureInfo.InvariantCulture);
}
