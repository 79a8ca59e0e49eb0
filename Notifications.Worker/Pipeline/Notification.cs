using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.FaultQueues;
using Orders.ServiceDefaults.Configuration;

namespace Notifications.Worker.Pipeline;

/// <summary>One kind of email about an order. Derive from <see cref="Notification{TMessage}"/>.</summary>
internal abstract class Notification
{
    /// <summary>
    /// What it is called: <c>order-</c> and further words of lower-case letters and digits, such as <c>order-shipped</c>. Its
    /// queues, its entries in the ledger, its operator events and its tag in metrics are named after it, so other systems rely on it.
    /// </summary>
    public abstract string Name { get; }

    /// <summary>The section of its <see cref="NotificationOptions"/>: <c>OrderShipped</c> for <c>order-shipped</c>.</summary>
    public string Section => string.Concat(Name.Split('-').Select(word => $"{char.ToUpperInvariant(word[0])}{word[1..]}"));

    /// <summary>Its queues.</summary>
    public FaultEndpoint Endpoint => OrderFaults.At(Name) with { IsDefault = IsDefault, IsReplayed = true, Identity = [.. Identity], Recipient = JsonPath.Parse("$.email") };

    /// <summary>Whether addresses and commands of the fault queues that name no notification mean this one.</summary>
    protected virtual bool IsDefault => false;

    /// <summary>The fields of its message, by their names in JSON, that say which email it is about.</summary>
    internal abstract IEnumerable<string> Identity { get; }

    /// <summary>The message that it is sent for; no other notification is sent for it.</summary>
    internal abstract Type MessageType { get; }

    /// <summary>The fields of its message, by their names in JSON, that are read from a message that failed.</summary>
    internal abstract IEnumerable<string> Fields { get; }

    /// <summary>Adds what its consumer needs.</summary>
    internal abstract void AddServices(IHostApplicationBuilder builder);

    /// <summary>Adds its consumer.</summary>
    internal abstract void AddConsumer(IBusRegistrationConfigurator bus);

    /// <summary>Makes what announces its parked messages.</summary>
    internal abstract IParkedAnnouncer CreateAnnouncer(IServiceProvider services);

    /// <summary>Its options; the defaults in a process that does not send it.</summary>
    internal abstract NotificationOptions GetOptions(IServiceProvider services);
}

/// <summary>
/// The policy of a notification: what is its own. How its messages are consumed, retried, set aside and parked, how its
/// emails are sent once, and what is measured is the same for all, and follows from its registration.
/// </summary>
/// <remarks>
/// <para>
/// A policy stands in a folder of its own with its text and its HTML, and is listed in <see cref="NotificationsRegistration"/>.
/// It has no state: one instance serves many messages at once.
/// </para>
/// <para>
/// The folder must not be called like the message. In the namespace <c>Notifications.Worker.OrderShipped</c>, the name
/// <c>OrderShipped</c> means the namespace, and the message cannot be named. <c>OrderShipping</c> is fine.
/// </para>
/// <para>
/// The members are given messages that other programs wrote: any property may be <c>null</c>, whatever its type says, until
/// <see cref="FindMistakes"/> has found nothing.
/// </para>
/// </remarks>
/// <typeparam name="TMessage">
/// The message that it is sent for. It has at least <c>OrderId</c> and <c>Email</c>, by which the pages show one that failed.
/// </typeparam>
internal abstract class Notification<TMessage> : Notification
    where TMessage : class
{
    /// <summary>What the message tells of, in a word that people read, such as <c>order</c> or <c>shipment</c>.</summary>
    public abstract string Noun { get; }

    /// <summary>What is wrong with a message, for each field by its name in JSON; empty where it is valid. No text holds a value.</summary>
    public abstract IReadOnlyDictionary<string, string[]> FindMistakes(TMessage message);

    /// <summary>The order that the message is about.</summary>
    public abstract string OrderIdOf(TMessage message);

    /// <summary>
    /// What tells several emails about one order apart, such as a tracking number; <c>null</c> where an order has one such email.
    /// The email is sent once for an order id and this.
    /// </summary>
    public abstract NotificationReference<TMessage>? Reference { get; }

    /// <summary>The customer's address.</summary>
    public abstract string RecipientOf(TMessage message);

    /// <summary>
    /// What the message says beside its order id and its time; its <see cref="Reference"/> may be in it. Two messages with the same ids are
    /// the same where this is; otherwise the second one is a conflict.
    /// </summary>
    /// <remarks>
    /// The ledger keeps hashes of it. A field that is added later is appended as a further line, with its name, and only where it
    /// is set.
    /// </remarks>
    public abstract string ContentOf(TMessage message);

    /// <summary>When it happened that the customer is told of; the default where the message does not say.</summary>
    public abstract DateTimeOffset TimeOf(TMessage message);

    /// <summary>The same message with another <see cref="TimeOf"/>: that of its sending, where it says none.</summary>
    public abstract TMessage WithTime(TMessage message, DateTimeOffset time);

    /// <summary>Writes the email. The same message always makes the same email.</summary>
    public abstract Task<EmailContent> WriteAsync(TMessage message, EmailTemplates templates);

    /// <summary>What other programs are told when the mail server has taken the email.</summary>
    /// <param name="key">What the email is about.</param>
    /// <param name="messageId">Its <c>Message-ID</c>, with its angle brackets.</param>
    /// <param name="at">When the mail server took it.</param>
    public virtual object SentEvent(NotificationKey key, string messageId, DateTimeOffset at) =>
        new NotificationSent(Name, key.OrderId, key.Reference, messageId, at);

    /// <summary>What other programs are told when a delivery has failed and is made again.</summary>
    /// <param name="key">What the email is about.</param>
    /// <param name="attempts">How many deliveries have failed so far.</param>
    /// <param name="nextAttemptAt">When the next one is due; <c>null</c> where that is not known.</param>
    /// <param name="reason">Why the last one failed, in one line without an address.</param>
    /// <param name="at">When that was.</param>
    public virtual object RetryingEvent(NotificationKey key, int attempts, DateTimeOffset? nextAttemptAt, string reason, DateTimeOffset at) =>
        new NotificationRetrying(Name, key.OrderId, key.Reference, attempts, nextAttemptAt, reason, at);

    /// <summary>What other programs are told when the email is given up and its message parked.</summary>
    /// <param name="orderId">The order that the message is about; <c>null</c> where that is not known, or its ids are those of another message.</param>
    /// <param name="reference">The message's <see cref="Reference"/>; <c>null</c> where it has none that can be read.</param>
    /// <param name="reason">Why, in one line.</param>
    /// <param name="at">When the message was parked.</param>
    public virtual object FailedEvent(string? orderId, string? reference, string reason, DateTimeOffset at) =>
        new NotificationFailed(Name, orderId, reference, reason, at);

    /// <summary>What people read of a message whose ids are those of another one with other content, in one sentence.</summary>
    public virtual string ConflictText(NotificationKey key) =>
        $"There is another {Noun} of order {key.OrderId}{(key.Reference is { } reference ? $" with the {Reference!.Field} {reference}" : "")}, and it says something else.";

    /// <summary>A histogram of its own beside <c>notification.duration</c>. Only what is older than that one needs it.</summary>
    public virtual DurationMetric? OwnDuration => null;

    internal sealed override Type MessageType => typeof(TMessage);

    internal sealed override IEnumerable<string> Identity => ["orderId", .. Reference is { } reference ? new[] { reference.Field } : []];

    internal sealed override IEnumerable<string> Fields => ["orderId", "email", .. Identity.Skip(1)];

    internal NotificationKey KeyOf(TMessage message) => new(OrderIdOf(message), Reference?.Read(message));

    /// <summary>Whether a message has proper ids, by which something may be told of it.</summary>
    internal bool HasProperKey(TMessage message) => FindMistakesInKey(message).Count == 0;

    /// <summary>The mistakes of a message, also those that the policy does not look for.</summary>
    internal IReadOnlyList<string> ListMistakes(TMessage message)
    {
        var mistakes = FindMistakes(message);
        return
        [
            .. mistakes.Values.SelectMany(mistake => mistake),
            .. FindMistakesInKey(message).Where(mistake => !mistakes.ContainsKey(mistake.Key)).Select(mistake => mistake.Value),
        ];
    }

    internal async Task<EmailMessage> ComposeAsync(TMessage message, EmailTemplates templates)
    {
        var key = KeyOf(message);
        var (subject, text, html) = await WriteAsync(message, templates);
        return new EmailMessage(key.MessageIdOf(Name, templates.Domain), RecipientOf(message), subject, text, html)
        {
            Notification = Name,
            Key = key.ToString(),
            Content = ContentOf(message),
        };
    }

    internal sealed override void AddServices(IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<NotificationOptions<TMessage>>(Section).Configure(options => options.Section = Section);
        builder.Services.AddSingleton(this);
        builder.Services.AddSingleton<NotificationMetrics<TMessage>>();
    }

    internal sealed override void AddConsumer(IBusRegistrationConfigurator bus) =>
        bus.AddConsumer<NotificationConsumer<TMessage>, NotificationDefinition<TMessage>>();

    internal sealed override IParkedAnnouncer CreateAnnouncer(IServiceProvider services) => new ParkedAnnouncer<TMessage>(this, services);

    internal sealed override NotificationOptions GetOptions(IServiceProvider services) =>
        services.GetRequiredService<IOptions<NotificationOptions<TMessage>>>().Value;

    // What is announced of a parked message is read by the same rule: an id that breaks it would be missing there without a word.
    private Dictionary<string, string> FindMistakesInKey(TMessage message)
    {
        var ids = new List<(string Field, string? Id)> { ("orderId", OrderIdOf(message)) };
        if (Reference is { } reference)
        {
            ids.Add((reference.Field, reference.Read(message)));
        }

        return ids.Where(id => !OrderRules.IsOrderId(id.Id))
            .ToDictionary(id => id.Field, id => $"The field {id.Field} must have 1 to 64 characters of letters, digits, '.', '_' and '-'.");
    }
}

/// <summary>What tells several emails about one order apart.</summary>
/// <param name="Field">Its name in JSON, such as <c>trackingNumber</c>.</param>
/// <param name="Read">Reads it: 1 to 64 letters, digits, '.', '_' and '-'.</param>
/// <typeparam name="TMessage">The message that has it.</typeparam>
internal sealed record NotificationReference<TMessage>(string Field, Func<TMessage, string?> Read);

/// <summary>What an email says.</summary>
/// <param name="Subject">One line, any Unicode.</param>
/// <param name="Text">The email as plain text.</param>
/// <param name="Html">The same as HTML; everything in it is encoded already.</param>
internal sealed record EmailContent(string Subject, string Text, string Html);
