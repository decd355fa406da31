"""Client-server: servers know and link to each other, clients link to servers only."""

from partisan_clientserver._client import Client as Client
from partisan_clientserver._server import Server as Server
from partisan_clientserver.config import ClientServerConfig as ClientServerConfig
