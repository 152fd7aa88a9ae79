using System.CommandLine;
using System.Security.Cryptography;
using VmSim.Actors.Security;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim certs</c>: a small authority of one's own, and the certificates of nodes.</summary>
internal static class CertsCommand
{
    public static Command Create(TextWriter output, TextWriter error) =>
        new("certs", "Makes and renews the certificates without which no node talks to another.")
    {
        CreateAuthority(output),
        CreateNode(output),
        CreateRenew(output),
        CreateShow(output),
    };

    private static Command CreateAuthority(TextWriter output)
    {
        Argument<string> folder = Folder();
        Command command = new("authority", "Makes an authority: FOLDER/authority.crt and FOLDER/authority.key.") { folder };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(folder)!;
            using CertificateAuthority authority = CertificateAuthority.Create(TimeProvider.System);

            // A signal waits until both files are there.
            Leftovers.Whole(() => authority.Save(path));
            output.WriteLine(
                $"{Path.Combine(path, CertificateAuthority.KeyFile)}: key of an authority that lasts until "
                + $"{Day(authority.Certificate.NotAfter)}; who has it can make nodes, so keep it off the nodes");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command CreateNode(TextWriter output)
    {
        Argument<string> folder = Folder();
        Argument<string[]> names = new("NAME")
        {
            Description = "Names of nodes, one for each machine or process.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<int> days = Days();
        Option<string[]> addresses = Addresses();
        Command command = new(
            "node",
            "Makes certificates of nodes: FOLDER/NAME.pem, each with its key, to be copied to its machine.")
        {
            folder,
            names,
            days,
            addresses,
        };
        command.SetAction(parsed => Issue(
            parsed.GetValue(folder)!,
            parsed.GetValue(names)!,
            parsed.GetValue(days),
            parsed.GetValue(addresses) ?? [],
            renew: false,
            output));
        return command;
    }

    private static Command CreateRenew(TextWriter output)
    {
        Argument<string> folder = Folder();
        Argument<string[]> names = new("NAME")
        {
            Description = "Names of nodes; without any, all that have a file in the folder.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<int> days = Days();
        Option<string[]> addresses = Addresses();
        Command command = new(
            "renew",
            "Makes new certificates, with new keys, in the place of old ones; a node takes its new one up with its next run.")
        {
            folder,
            names,
            days,
            addresses,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(folder)!;
            string[] given = parsed.GetValue(names) ?? [];
            return Issue(
                path,
                given.Length > 0 ? given : CertificateAuthority.NamesIn(path),
                parsed.GetValue(days),
                parsed.GetValue(addresses) ?? [],
                renew: true,
                output);
        });
        return command;
    }

    private static Command CreateShow(TextWriter output)
    {
        Argument<string[]> files = new("FILE") { Description = "Certificates of nodes.", Arity = ArgumentArity.OneOrMore };
        Command command = new("show", "Says whose certificates files are, how long they last and which authority issued them.") { files };
        command.SetAction(parsed =>
        {
            foreach (string file in parsed.GetValue(files)!)
            {
                using NodeCertificate certificate = NodeCertificate.Load(file);
                string authority = certificate.Authority.GetCertHashString(HashAlgorithmName.SHA256)[..16].ToLowerInvariant();
                string day = Day(certificate.Expires.UtcDateTime);
                output.WriteLine($"{file}: node {certificate.Name}, until {day}, authority {authority}{At(certificate)}");
                certificate.RequireUsable(TimeProvider.System, file);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static int Issue(
        string folder, IReadOnlyList<string> names, int days, IReadOnlyList<string> addresses, bool renew, TextWriter output)
    {
        using CertificateAuthority authority = CertificateAuthority.Load(folder, TimeProvider.System);
        foreach (string name in names)
        {
            string path = "";
            Leftovers.Whole(() => path = authority.IssueInto(folder, name, days, renew, addresses));
            using NodeCertificate certificate = NodeCertificate.Load(path);
            output.WriteLine($"{path}: node {name}, until {Day(certificate.Expires.UtcDateTime)}{At(certificate)}");
        }

        return ExitCodes.Ok;
    }

    private static string At(NodeCertificate certificate) =>
        certificate.Addresses.Count > 0 ? $", at {string.Join(", ", certificate.Addresses)}" : "";

    private static Option<string[]> Addresses() => new("--address")
    {
        Description = "IP address or host under which programs other than vmsim reach the node. May be repeated; renewed ones keep theirs.",
        HelpName = "ADDRESS",
    };

    private static Argument<string> Folder() => new("FOLDER") { Description = "Where the authority and its certificates are kept." };

    private static Option<int> Days() => NumberOption.Create(
        "--days",
        $"Days until they expire, {CertificateAuthority.NodeDays} if nothing is said; never longer than the authority.",
        1,
        CertificateAuthority.AuthorityDays,
        CertificateAuthority.NodeDays);

    private static string Day(DateTime time) => $"{time.ToUniversalTime():yyyy-MM-dd}";
}
