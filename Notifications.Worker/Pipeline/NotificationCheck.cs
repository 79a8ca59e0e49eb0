using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Notifications.Worker.Pipeline;

/// <summary>Finds what is wrong with notifications and would not be noticed before a message is missing.</summary>
internal static partial class NotificationCheck
{
    /// <param name="notifications">Those that are listed.</param>
    /// <param name="assembly">Where their classes are.</param>
    /// <returns>One sentence for each mistake, which names the class that is to be changed.</returns>
    public static IEnumerable<string> FindMistakes(IReadOnlyList<Notification> notifications, Assembly assembly) =>
    [
        .. assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(Notification)) && !type.IsAbstract)
            .Except(notifications.Select(notification => notification.GetType()))
            .Select(type => $"{type.Name} is not listed in NotificationsRegistration.All."),
        .. notifications.SelectMany(FindMistakes),
        .. FindShared(notifications, notification => notification.Name, name => $"the name {name}"),
        .. FindShared(notifications.Where(HasProperName).DistinctBy(notification => notification.Name), notification => notification.Section, section => $"the section {section} of the configuration"),
        .. from one in notifications
           from other in notifications
           where other.Name.StartsWith($"{one.Name}-", StringComparison.Ordinal)
           // The ids of their emails could be the same: an order id may begin with a word, too.
           select $"{other.GetType().Name} is called '{other.Name}', which begins with the name of {one.GetType().Name}. Give it another one.",
        .. FindShared(notifications, notification => notification.MessageType.FullName!, message => $"the message {message}"),
    ];

    private static IEnumerable<string> FindMistakes(Notification notification)
    {
        var (type, message) = (notification.GetType().Name, notification.MessageType);
        // Broker users have their permissions by these rules, see ADR 10.
        if (!HasProperName(notification))
        {
            yield return $"{type} is called '{notification.Name}', but a name is order- and further lower-case letters, digits and single '-', at most 64 in all.";
        }
        else if (OtherQueue().IsMatch(notification.Name))
        {
            yield return $"{type} is called '{notification.Name}', but names that begin with order-status or order-notifications, or end with -alert, are those of other queues.";
        }

        if (message.Namespace is null)
        {
            yield return $"The message {message.Name} of {type} has no namespace: MassTransit does not take it.";
        }

        foreach (var field in notification.Fields.Where(field => !HasField(message, field)))
        {
            yield return $"The message {message.Name} of {type} has no text that is {field} in JSON, by which a message that failed is read.";
        }
    }

    private static IEnumerable<string> FindShared(IEnumerable<Notification> notifications, Func<Notification, string> part, Func<string, string> describe) =>
        notifications.GroupBy(part, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1)
            .Select(group => $"{string.Join(" and ", group.Select(notification => notification.GetType().Name))} share {describe(group.Key)}. Each needs its own.");

    private static bool HasProperName(Notification notification) => ProperName().IsMatch(notification.Name);

    private static bool HasField(Type message, string field) =>
        Array.Exists(message.GetProperties(), property => property.PropertyType == typeof(string) && JsonNamingPolicy.CamelCase.ConvertName(property.Name) == field);

    [GeneratedRegex(@"^(?=.{1,64}\z)order(-[a-z0-9]+)+\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProperName();

    [GeneratedRegex(@"^order-(status|notifications)|-alert\z", RegexOptions.CultureInvariant)]
    private static partial Regex OtherQueue();
}
