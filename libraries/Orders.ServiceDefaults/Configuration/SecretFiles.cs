using System.Reflection;

namespace Orders.ServiceDefaults.Configuration;

/// <summary>
/// Secrets that stand in files, as Docker and Kubernetes provide them: where options have a <c>Password</c> and a
/// <c>PasswordFile</c>, the one is read from the file that the other names, once, when the program starts. The same goes
/// for every other pair of texts with such names. Line ends after a secret are not a part of it.
/// </summary>
public static class SecretFiles
{
    private const string Suffix = "File";

    /// <summary>What is wrong with the secrets of one section, those of the sections below it aside; never a secret itself.</summary>
    public static IEnumerable<string> FindMistakes(IConfigurationSection section, Type type)
    {
        foreach (var (secret, file) in Pairs(type))
        {
            var path = section[file.Name];
            if (string.IsNullOrEmpty(path))
            {
                continue;
            }

            var variable = ValidatedOptions.Variable(section.GetSection(file.Name));
            if (!string.IsNullOrEmpty(section[secret.Name]))
            {
                yield return $"{ValidatedOptions.Variable(section.GetSection(secret.Name))} and {variable} must not both be set.";
            }
            else if (FindMistake(path) is { } mistake)
            {
                yield return $"{variable} {mistake}";
            }
        }
    }

    /// <summary>Reads the secrets of options, and of all options within them, whose files are named.</summary>
    public static void Read(object options)
    {
        foreach (var (secret, file) in Pairs(options.GetType()))
        {
            if (file.GetValue(options) is string { Length: > 0 } path)
            {
                secret.SetValue(options, Read(path));
            }
        }

        foreach (var property in options.GetType().GetProperties().Where(ValidatedOptions.IsSetting))
        {
            if (ValidatedOptions.ElementType(property.PropertyType) is { } elementType)
            {
                if (IsOptions(elementType))
                {
                    ((IEnumerable<object>)property.GetValue(options)!).ToList().ForEach(Read);
                }
            }
            else if (IsOptions(property.PropertyType) && property.GetValue(options) is { } further)
            {
                Read(further);
            }
        }
    }

    /// <summary>Reads the secret of one file.</summary>
    public static string Read(string path) => File.ReadAllText(path).TrimEnd('\r', '\n');

    private static string? FindMistake(string path)
    {
        try
        {
            return Read(path).Length == 0 ? "must not be an empty file." : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"cannot be read: {exception.Message}";
        }
    }

    private static IEnumerable<(PropertyInfo Secret, PropertyInfo File)> Pairs(Type type) =>
        from file in type.GetProperties()
        where file.Name.EndsWith(Suffix, StringComparison.Ordinal) && file.PropertyType == typeof(string)
        let secret = type.GetProperty(file.Name[..^Suffix.Length])
        where secret?.PropertyType == typeof(string)
        select (secret, file);

    private static bool IsOptions(Type type) => type.IsClass && type != typeof(string);
}
