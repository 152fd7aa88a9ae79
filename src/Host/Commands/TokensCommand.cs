using System.CommandLine;
using System.CommandLine.Parsing;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim tokens</c>: who may use a service.</summary>
internal static class TokensCommand
{
    private static readonly string[] Roles = [.. Enum.GetValues<Role>().Select(role => role.ToString().ToLowerInvariant())];

    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("tokens", "Says who may use a service; one that runs takes changes up at once.");
        command.Subcommands.Add(Add(output, error));
        command.Subcommands.Add(Remove(error));
        command.Subcommands.Add(List(output));
        return command;
    }

    private static Command Add(TextWriter output, TextWriter error)
    {
        Argument<string> name = new("name") { Description = "Who gets it; jobs are his by this name." };
        Option<Role> role = new("--role")
        {
            Description = "reader sees, submitter submits and cancels his own, operator cancels all; node makes jobs.",
            HelpName = string.Join('|', Roles),
            DefaultValueFactory = _ => Role.Submitter,
            CustomParser = ParseRole,
        };
        role.CompletionSources.Add([.. Roles]);
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("add", "Makes a token and prints it; one that the name had counts no more.") { name, role, store };
        command.SetAction(parsed =>
        {
            StoreFolder folder = new(parsed.GetValue(store)!);
            folder.Create();
            string holder = parsed.GetValue(name)!;
            bool isAnother = TokenFile.List(folder.Tokens).Any(other => other.Name == holder);
            output.WriteLine(TokenFile.Add(folder.Tokens, holder, parsed.GetValue(role)));
            string replaced = isAnother ? $"; the one that {holder} had counts no more" : "";
            error.WriteLine($"vmsim: this token is kept nowhere else; give it on by a way that nobody can read{replaced}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Role ParseRole(ArgumentResult result)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "nothing";
        int at = Array.IndexOf(Roles, text);
        if (at < 0)
        {
            result.AddError($"--role: \"{text}\" found; one of {string.Join(", ", Roles)} is allowed");
            return Role.Reader;
        }

        return Enum.GetValues<Role>()[at];
    }

    private static Command Remove(TextWriter error)
    {
        Argument<string> name = new("name") { Description = "Whose token it is." };
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("remove", "Takes a token back.") { name, store };
        command.SetAction(parsed =>
        {
            if (TokenFile.Remove(new StoreFolder(parsed.GetValue(store)!).Tokens, parsed.GetValue(name)!))
            {
                return ExitCodes.Ok;
            }

            error.WriteLine($"vmsim: {parsed.GetValue(name)} has no token; vmsim tokens list shows who has");
            return ExitCodes.BadInput;
        });
        return command;
    }

    private static Command List(TextWriter output)
    {
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("list", "Lists names and roles.") { store };
        command.SetAction(parsed =>
        {
            foreach (TokenHolder holder in TokenFile.List(new StoreFolder(parsed.GetValue(store)!).Tokens))
            {
                output.WriteLine($"{holder.Role.ToString().ToLowerInvariant(),-10} {holder.Name}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
